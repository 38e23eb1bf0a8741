//! Messages, responses by code and failures by reason.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use viaduct::sip::reason_phrase;

use super::Progress;
use super::history::per_second;
use super::panels::{ALARM, DIM, STRONG, titled};
use crate::measure::{Count, Failure, Interval};
use crate::show::{number, rate};

/// Messages, responses by code and failures by reason, side by side.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, now: &Progress<'_>) {
    let widths = [Constraint::Length(34), Constraint::Fill(1), Constraint::Fill(1)];
    let [left, middle, right] = Layout::horizontal(widths).spacing(2).areas(area);
    list(frame, left, ("messages", "per s        run"), messages(now));
    list(frame, middle, ("responses", "run"), codes(now.total, middle.height.saturating_sub(1)));
    list(frame, right, ("failures", "run"), failures(now.total));
}

/// A row of a list: a name, numbers, and a style.
type Row = (String, String, Style);

/// Draws a list under its titles; if there is not enough room, the last line says how much more
/// there is.
fn list(frame: &mut Frame<'_>, area: Rect, titles: (&'static str, &str), rows: Vec<Row>) {
    let block = titled(Span::styled(titles.0, STRONG), titles.1.to_owned());
    let room = usize::from(block.inner(area).height);
    let shown = if rows.len() > room { room.saturating_sub(1) } else { rows.len() };
    let more = rows.len() - shown;
    let width = usize::from(area.width);
    let mut lines: Vec<_> = rows
        .into_iter()
        .take(shown)
        .map(|(name, numbers, style)| {
            let left = width.saturating_sub(numbers.chars().count());
            let name: String = name.chars().take(left.saturating_sub(1)).collect();
            Line::styled(format!("{name:<left$}{numbers}"), style)
        })
        .collect();
    if more > 0 {
        lines.push(Line::styled(format!("and {more} more"), DIM));
    }
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

/// Messages of the last second and of the run.
fn messages(now: &Progress<'_>) -> Vec<Row> {
    let usual = [
        ("sent", Count::Sent),
        ("received", Count::Received),
        ("requests again", Count::RequestsRepeated),
        ("responses again", Count::ResponsesRepeated),
    ];
    let unusual = [
        ("received again", Count::RepetitionsReceived),
        ("unexpected", Count::Unexpected),
        ("stray", Count::Stray),
        ("unreadable", Count::Unreadable),
        ("overrun", Count::Overrun),
        ("refused", Count::Refused),
        ("buffer full", Count::SendBufferFull),
    ];
    let happened = |(_, what): &(&str, Count)| now.total.tally.get(*what) > 0;
    let mut rows = Vec::new();
    for (name, what) in usual.into_iter().chain(unusual.into_iter().filter(happened)) {
        let second = rate(per_second(now.second, now.second.tally.get(what)));
        let numbers = format!("{second:>6}{:>11}", number(now.total.tally.get(what)));
        rows.push((name.to_owned(), numbers, Style::new()));
    }
    rows
}

/// Responses by code; by class if there are more codes than rows, so that rare ones still show.
fn codes(run: &Interval, rows: u16) -> Vec<Row> {
    let codes: Vec<_> = run.tally.codes.iter().collect();
    if codes.len() > usize::from(rows) {
        return classes(&codes);
    }
    let row = |(code, count)| {
        let name = format!("{code} {}", reason_phrase(code));
        (name, number(count), Style::new().fg(color(code)))
    };
    codes.into_iter().map(row).collect()
}

/// Responses by class.
fn classes(codes: &[(u16, u64)]) -> Vec<Row> {
    let row = |class: u16| {
        let of_class = codes.iter().filter(|(code, _)| code / 100 == class);
        let count: u64 = of_class.map(|(_, count)| count).sum();
        let name = format!("{class}xx");
        (count > 0).then(|| (name, number(count), Style::new().fg(color(class * 100))))
    };
    (1..=6).filter_map(row).collect()
}

/// The colour of a code.
const fn color(code: u16) -> Color {
    match code {
        100..300 => Color::Green,
        300..400 => Color::Cyan,
        400..500 => Color::Yellow,
        _ => Color::Red,
    }
}

/// Failed calls by reason.
fn failures(run: &Interval) -> Vec<Row> {
    let callers = |why: Failure| (why.name().to_owned(), run.tally.failures(why));
    let callees =
        |why: Failure| (format!("callee: {}", why.name()), run.tally.callee_failures(why));
    let all = Failure::ALL.map(callers).into_iter().chain(Failure::ALL.map(callees));
    let mut rows: Vec<_> = all
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| (name, number(count), ALARM))
        .collect();
    if rows.is_empty() {
        rows.push(("none".to_owned(), String::new(), DIM));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::samples::Sample;

    #[test]
    fn more_codes_than_rows_are_shown_by_class() {
        let mut run = Sample::busy().total;
        let names = |run: &Interval, rows| {
            codes(run, rows).into_iter().map(|(name, ..)| name).collect::<Vec<_>>()
        };
        assert_eq!(names(&run, 4).last().unwrap(), "503 Service Unavailable");
        run.tally.codes.count(486);
        assert_eq!(names(&run, 4), ["1xx", "2xx", "4xx", "5xx"]);
    }
}
