//! The parts of the live view.

use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, LineGauge, Paragraph, RenderDirection, Sparkline};

use super::health::lag_micros;
use super::history::{History, Second};
use super::{Facts, Progress};
use crate::measure::{Count, Latency};
use crate::show::{clock, number, percent, rate, time};

/// Columns of the latency table.
pub(super) const LATENCY_COLUMNS: u16 = 76;

/// Columns of a kind of rate and its number, before its sparkline.
const RATE_COLUMNS: u16 = 21;

/// What is less important.
pub(super) const DIM: Style = Style::new().fg(Color::DarkGray);

/// What is wrong.
pub(super) const ALARM: Style = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);

/// What is to be found first.
pub(super) const STRONG: Style = Style::new().fg(Color::Reset).add_modifier(Modifier::BOLD);

/// A title on a line across the panel, with another at its right end.
pub(super) fn titled<'a>(title: impl Into<Line<'a>>, right: String) -> Block<'a> {
    let mut title = title.into();
    title.spans.push(Span::raw(" "));
    let block = Block::new().borders(Borders::TOP).border_style(DIM).title(title);
    if right.is_empty() {
        return block;
    }
    block.title(Line::styled(format!(" {right}"), DIM).alignment(Alignment::Right))
}

/// The screen before the first second.
pub(super) fn waiting(frame: &mut Frame<'_>, area: Rect, facts: &Facts) {
    let text = format!("viaload  {} → {}  starting", facts.scenario, facts.target);
    frame.render_widget(Line::styled(text, STRONG), area);
}

/// What is run, and how far it is.
pub(super) fn head(frame: &mut Frame<'_>, area: Rect, facts: &Facts, now: &Progress<'_>) {
    let [title, gauge] = Layout::vertical([Constraint::Length(1); 2]).areas(area);
    let run = format!("viaload  {} → {}", facts.scenario, facts.target);
    let halves = [Constraint::Length(columns(&run)), Constraint::Fill(1)];
    let [left, right] = Layout::horizontal(halves).spacing(2).areas(title);
    frame.render_widget(Line::styled(run, STRONG), left);
    frame.render_widget(Line::raw(facts.load.as_str()).alignment(Alignment::Right), right);
    progress(frame, gauge, now);
}

/// The phase with the time gone and left.
fn progress(frame: &mut Frame<'_>, area: Rect, now: &Progress<'_>) {
    let phase = format!("{}  {}", now.phase, clock(now.elapsed));
    let Some(remaining) = now.remaining else {
        frame.render_widget(Line::raw(phase), area);
        return;
    };
    let left = format!("{} left", clock(remaining));
    let parts = [columns(&phase), 0, columns(&left)];
    let parts = [Constraint::Length(parts[0]), Constraint::Fill(1), Constraint::Length(parts[2])];
    let [phase_area, gauge, left_area] = Layout::horizontal(parts).spacing(1).areas(area);
    frame.render_widget(Line::raw(phase), phase_area);
    frame.render_widget(Line::raw(left), left_area);
    let all = (now.elapsed + remaining).as_secs_f64();
    let ratio = if all > 0.0 { now.elapsed.as_secs_f64() / all } else { 0.0 };
    let bar = LineGauge::default().ratio(ratio.clamp(0.0, 1.0)).label("");
    let bar = bar.filled_symbol("━").unfilled_symbol("─").unfilled_style(DIM);
    frame.render_widget(bar.filled_style(Style::new().fg(Color::Cyan)), gauge);
}

/// Whether the generator keeps its schedule: its own numbers, and what is wrong.
pub(super) fn health(frame: &mut Frame<'_>, area: Rect, now: &Progress<'_>, warnings: &[String]) {
    let text = format!(
        "generator  lag p99 {}   busiest worker {}   overruns {}",
        time(lag_micros(now.second)),
        percent(now.second.busiest),
        number(now.total.tally.get(Count::Overrun)),
    );
    let mut lines: Vec<_> =
        warnings.iter().map(|text| Line::styled(format!("WARNING: {text}"), ALARM)).collect();
    lines.push(Line::raw(text));
    frame.render_widget(Paragraph::new(lines), area);
}

/// Rates of the last second, and how they were before.
pub(super) fn rates(frame: &mut Frame<'_>, area: Rect, facts: &Facts, history: &History) {
    let width = area.width.saturating_sub(RATE_COLUMNS);
    let when = if width > 20 { format!("last {width} s") } else { String::new() };
    let block = titled(Span::styled(format!("{} per second", facts.unit), STRONG), when);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let seconds: Vec<&Second> = history.newest(usize::from(width)).collect();
    let top = seconds.iter().map(|second| second.offered.max(second.completed)).fold(0.0, f64::max);
    let kinds = kinds();
    let rows = if usize::from(inner.height) < 2 * kinds.len() { 1 } else { 2 };
    for (place, kind) in (0..).zip(kinds) {
        let y = inner.y.saturating_add(place * rows);
        let place = Rect { y, height: rows, ..inner }.intersection(inner);
        one_rate(frame, place, &kind, &seconds, top);
    }
}

/// One kind of rate, with its curve up to `top`, if the kind shares that.
fn one_rate(frame: &mut Frame<'_>, area: Rect, kind: &Kind, seconds: &[&Second], top: f64) {
    let values: Vec<f64> = seconds.iter().map(|second| (kind.value)(second)).collect();
    let top = if kind.shared { top } else { values.iter().copied().fold(0.0, f64::max) };
    let parts = [Constraint::Length(RATE_COLUMNS), Constraint::Fill(1)];
    let [words, curve] = Layout::horizontal(parts).areas(area);
    let words = words.rows().next_back().unwrap_or(words);
    let last = values.last().copied().unwrap_or(0.0);
    let style = if kind.bad && last > 0.0 { ALARM } else { Style::new() };
    let text = format!("{:<10}{:>9}", kind.name, rate(last));
    frame.render_widget(Line::styled(text, style), words);
    let line = Sparkline::default().direction(RenderDirection::RightToLeft);
    let bars = values.iter().rev().map(|value| tenths(*value)).collect::<Vec<_>>();
    let line = line.max(tenths(top).max(1)).data(bars).style(Style::new().fg(kind.color));
    frame.render_widget(line, curve);
}

/// A kind of rate.
struct Kind {
    name: &'static str,
    value: fn(&Second) -> f64,
    color: Color,
    /// Whether its sparkline has the same scale as others.
    shared: bool,
    /// Whether there should be none.
    bad: bool,
}

/// The kinds of rates, in the order in which they are shown.
fn kinds() -> [Kind; 5] {
    let kind = |name, value, color| Kind { name, value, color, shared: true, bad: false };
    [
        kind("offered", |second| second.offered, Color::Blue),
        kind("started", |second| second.started, Color::Cyan),
        kind("completed", |second| second.completed, Color::Green),
        Kind { shared: false, bad: true, ..kind("failed", |second| second.failed, Color::Red) },
        Kind { shared: false, ..kind("in flight", in_flight, Color::Magenta) },
    ]
}

/// Calls in progress.
#[expect(clippy::cast_precision_loss, reason = "a number for people")]
fn in_flight(second: &Second) -> f64 {
    second.in_flight as f64
}

/// The height of a bar: small rates shall differ too.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place on screen")]
fn tenths(value: f64) -> u64 {
    (value * 10.0).round() as u64
}

/// Latency of each mark, that at position `first` before the others.
pub(super) fn latency(frame: &mut Frame<'_>, area: Rect, now: &Progress<'_>, first: usize) {
    let block = titled(Span::styled("latency from the intended start", STRONG), String::new());
    let names = ["p50", "p90", "p99", "p99.9", "max"].map(|name| format!("{name:>9}")).concat();
    let mut lines = vec![Line::styled(format!("{:<20}{:>11}{names}", "", "count"), DIM)];
    let marks = now.shape.marks.iter().enumerate();
    for (mark, name) in marks.clone().skip(first).chain(marks.take(first)) {
        let [Some(second), Some(run)] = [now.second, now.total].map(|all| all.latencies.get(mark))
        else {
            continue;
        };
        let style = if mark == first { STRONG } else { Style::new() };
        let name: String = name.chars().take(12).collect();
        lines.push(Line::styled(format!("{name:<13}{}", percentiles("last s", second)), style));
        lines.push(Line::styled(format!("{:<13}{}", "", percentiles("run", run)), style));
    }
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

/// The percentiles of a row of the latency table.
fn percentiles(when: &str, latency: &Latency) -> String {
    let mut row = format!("{when:<7}{:>11}", number(latency.count()));
    let spans = [50.0, 90.0, 99.0, 99.9].map(|percent| latency.percentile_micros(percent));
    for span in spans.into_iter().chain([latency.max_micros()]) {
        let shown = if latency.count() == 0 { "–".to_owned() } else { time(span) };
        row.push_str(&format!("{shown:>9}"));
    }
    row
}

/// The keys, and the last note.
pub(super) fn foot(
    frame: &mut Frame<'_>,
    area: Rect,
    note: Option<&str>,
    stops: u32,
    marks: usize,
) {
    let keys = match (stops, marks) {
        (0, 0 | 1) => "q end the run",
        (0, _) => "q end the run   Tab next mark",
        _ => "ending   q again: at once",
    };
    let halves = [Constraint::Fill(1), Constraint::Length(columns(keys))];
    let [left, right] = Layout::horizontal(halves).spacing(2).areas(area);
    frame.render_widget(Line::raw(note.unwrap_or_default()), left);
    let style = if stops > 0 { STRONG } else { DIM };
    frame.render_widget(Line::styled(keys, style), right);
}

/// Columns that a text takes.
fn columns(text: &str) -> u16 {
    u16::try_from(text.chars().count()).unwrap_or(u16::MAX)
}
