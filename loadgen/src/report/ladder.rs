//! Ladder diagrams for a terminal.

use std::fmt::{Result as Written, Write};

use super::TraceRecord;
use crate::show::{clipped, moment, printable};

/// Characters between the two lines of a ladder.
const INSIDE: usize = 32;

/// Characters in front of a ladder: the time.
const BEFORE: usize = 15;

/// The ladder diagram of a call that was kept, a line a message: the call on the left, the server
/// on the right.
#[must_use]
pub fn show_trace(trace: &TraceRecord) -> String {
    let mut text = String::new();
    // Writing to a String does not fail.
    let _ = write_trace(&mut text, trace);
    text
}

/// Writes the diagram of a call.
fn write_trace(out: &mut String, trace: &TraceRecord) -> Written {
    let [kept, outcome, call_id] =
        [&trace.kept, &trace.outcome, &trace.call_id].map(|text| printable(text));
    let duration = moment(trace.duration_us);
    writeln!(out, "{kept}: {outcome} after {duration}, Call-ID {call_id}")?;
    let program = clipped(&trace.program, 20);
    let inside = INSIDE + 2 - program.chars().count();
    writeln!(out, "{:>BEFORE$}  {program}{:>inside$}", "time", "server")?;
    for message in &trace.messages {
        let line = arrow(message.direction == "sent", &clipped(&message.label, INSIDE - 6));
        let again = if message.repeated { "  again" } else { "" };
        writeln!(out, "{:>BEFORE$}  {line}{again}", moment(message.at_us))?;
    }
    Ok(())
}

/// An arrow with its label in it, between the two lines.
fn arrow(is_sent: bool, label: &str) -> String {
    let label = format!(" {label} ");
    let width = INSIDE - 1;
    if is_sent { format!("|{label:-^width$}>|") } else { format!("|<{label:-^width$}|") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn a_call_as_a_ladder() {
        let traces: Vec<_> = fixture::report().traces.iter().map(show_trace).collect();
        insta::assert_snapshot!(traces.join("\n"));
    }

    #[test]
    fn what_was_received_orders_no_terminal_about() {
        let mut trace = fixture::report().traces.remove(0);
        trace.messages[0].label = "\x1b[2J".to_owned();
        trace.call_id = "\r\x07".to_owned();
        let text = show_trace(&trace);
        assert!(text.chars().all(|shown| shown == '\n' || !shown.is_control()), "{text:?}");
    }
}
