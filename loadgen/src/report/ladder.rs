//! Ladder diagrams for a terminal.

use std::fmt::{Result as Written, Write};

use super::{Arrow, Ladder, TraceRecord, TracedLine};
use crate::show::{NOTHING, clipped, moment, number, printable};

/// Characters between the two lines of a ladder.
const INSIDE: usize = 32;

/// Characters in front of a ladder: the time.
const BEFORE: usize = 15;

/// Which way an arrow points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// From left to right.
    Right,
    /// From right to left.
    Left,
    /// It is none: a pause.
    None,
}

/// The ladder diagram of a program, a line an arrow: its mean time since the intended start, and
/// how often it happened. Who calls is on the left.
#[must_use]
pub fn show_ladder(ladder: &Ladder) -> String {
    let mut text = String::new();
    // Writing to a String does not fail.
    let _ = write_ladder(&mut text, ladder);
    text
}

/// The ladder diagram of a call that was kept, a line a message; in full with each message's text
/// under its arrow.
#[must_use]
pub fn show_trace(trace: &TraceRecord, full: bool) -> String {
    let mut text = String::new();
    let _ = write_trace(&mut text, trace, full);
    text
}

/// Writes the diagram of a program.
fn write_ladder(out: &mut String, ladder: &Ladder) -> Written {
    let name = clipped(&ladder.program, 20);
    let (left, right) = if ladder.caller { (&*name, "server") } else { ("server", &*name) };
    write_heads(out, "mean time", left, right, "count")?;
    for arrow in &ladder.arrows {
        let mean = arrow.mean_us.map_or_else(|| NOTHING.to_owned(), moment);
        let way = arrow_way(arrow, ladder.caller);
        let line = drawn(way, &clipped(&arrow.label, INSIDE - 6));
        writeln!(out, "{mean:>BEFORE$}  {line}  {:>14}", number(arrow.count))?;
    }
    Ok(())
}

/// Writes the diagram of a call.
fn write_trace(out: &mut String, trace: &TraceRecord, full: bool) -> Written {
    let [kept, outcome, call_id] =
        [&trace.kept, &trace.outcome, &trace.call_id].map(|text| printable(text));
    let duration = moment(trace.duration_us);
    writeln!(out, "{kept}: {outcome} after {duration}, Call-ID {call_id}")?;
    write_heads(out, "time", &clipped(&trace.program, 20), "server", "")?;
    for message in &trace.messages {
        let label = clipped(&message.label, INSIDE - 6);
        let line = drawn(way(&message.direction, true), &label);
        let again = if message.repeated { "  again" } else { "" };
        writeln!(out, "{:>BEFORE$}  {line}{again}", moment(message.at_us))?;
        if full {
            write_text(out, message)?;
        }
    }
    Ok(())
}

/// Writes the titles of the columns and the names above the two lines.
fn write_heads(out: &mut String, time: &str, left: &str, right: &str, count: &str) -> Written {
    let inside = INSIDE + 2 - left.chars().count();
    let head = format!("{time:>BEFORE$}  {left}{right:>inside$}  {count:>14}");
    writeln!(out, "{}", head.trim_end())
}

/// Writes the text of a message, moved in.
fn write_text(out: &mut String, message: &TracedLine) -> Written {
    for line in message.text.lines() {
        let line = format!("{:BEFORE$}  |   {}", "", printable(line));
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// Which way an arrow of a program points.
fn arrow_way(arrow: &Arrow, is_caller: bool) -> Way {
    way(&arrow.direction, is_caller)
}

/// Which way an arrow points: callers are on the left, callees on the right.
fn way(direction: &str, is_caller: bool) -> Way {
    match (direction, is_caller) {
        ("sent", true) | ("received", false) => Way::Right,
        ("received", true) | ("sent", false) => Way::Left,
        _ => Way::None,
    }
}

/// An arrow with its label in it, between the two lines.
fn drawn(way: Way, label: &str) -> String {
    match way {
        Way::Right => format!("|{:-^1$}>|", format!(" {label} "), INSIDE - 1),
        Way::Left => format!("|<{:-^1$}|", format!(" {label} "), INSIDE - 1),
        Way::None => format!("|{label:^INSIDE$}|"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn the_ladders_of_both_sides() {
        let ladders: Vec<_> = fixture::report().ladders.iter().map(show_ladder).collect();
        insta::assert_snapshot!(ladders.join("\n"));
    }

    #[test]
    fn an_arrow_that_never_happened_has_no_time() {
        let arrow = Arrow {
            label: "183".to_owned(),
            direction: "received".to_owned(),
            ..Default::default()
        };
        let ladder = Ladder { program: "call".to_owned(), caller: true, arrows: vec![arrow] };
        let text = show_ladder(&ladder);
        assert!(text.lines().last().unwrap().trim_start().starts_with("-  |<-"), "{text}");
    }

    #[test]
    fn a_call_as_a_ladder() {
        let traces: Vec<_> =
            fixture::report().traces.iter().map(|trace| show_trace(trace, false)).collect();
        insta::assert_snapshot!(traces.join("\n"));
    }

    #[test]
    fn a_call_in_full_has_its_messages_but_no_control_characters() {
        let text = show_trace(&fixture::report().traces[1], true);
        assert!(text.chars().all(|shown| shown == '\n' || !shown.is_control()));
        insta::assert_snapshot!(text);
    }
}
