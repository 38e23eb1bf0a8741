//! What the live view shows, and where.

use std::time::Duration;

use ratatui::Frame;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::layout::{Constraint, Layout, Rect};

use super::history::History;
use super::{Facts, Progress, Wish, chart, health, lists, panels};
use crate::measure::{Interval, RunShape};

/// Columns from which on rates and latency are side by side.
const WIDE: u16 = 150;

/// Rows from which on the curves of the rates are twice as high.
const TALL: u16 = 45;

/// Rows of the rates: a title and five kinds.
const RATES_ROWS: u16 = 6;

/// Rows of the rates where there is much room.
const RATES_ROWS_TALL: u16 = 11;

/// The fewest rows of the lists that are worth their room.
const LISTS_ROWS_MIN: u16 = 6;

/// The most rows of the lists.
const LISTS_ROWS_MAX: u16 = 12;

/// The fewest rows of the chart that are worth their room.
const CHART_ROWS_MIN: u16 = 3;

/// Notes that are kept.
const NOTES_MAX: usize = 100;

/// All that the live view shows.
#[derive(Debug)]
pub(super) struct Screen {
    facts: Facts,
    now: Option<Shown>,
    history: History,
    /// The mark that is shown first and drawn as a chart.
    mark: usize,
    /// How often the user asked for the end.
    stops: u32,
    notes: Vec<String>,
}

/// A [`Progress`] that is kept, to draw it again when the terminal changes.
#[derive(Debug)]
struct Shown {
    elapsed: Duration,
    remaining: Option<Duration>,
    phase: String,
    second: Interval,
    total: Interval,
    shape: RunShape,
}

/// Where each part goes; those without room are empty.
#[derive(Clone, Copy, Debug, Default)]
struct Places {
    head: Rect,
    health: Rect,
    rates: Rect,
    latency: Rect,
    chart: Rect,
    lists: Rect,
    foot: Rect,
}

impl Screen {
    /// A screen before the first second.
    pub(super) fn new(facts: Facts) -> Self {
        let history = History::default();
        Self { facts, now: None, history, mark: 0, stops: 0, notes: Vec::new() }
    }

    /// Takes over the last second.
    pub(super) fn second(&mut self, now: &Progress<'_>) {
        self.history.push(now.second);
        self.mark = self.mark.min(now.shape.marks.len().saturating_sub(1));
        self.now = Some(Shown {
            elapsed: now.elapsed,
            remaining: now.remaining,
            phase: now.phase.to_owned(),
            second: now.second.clone(),
            total: now.total.clone(),
            shape: now.shape.clone(),
        });
    }

    /// Takes over a note.
    pub(super) fn note(&mut self, text: &str) {
        if self.notes.len() < NOTES_MAX {
            self.notes.push(text.to_owned());
        }
    }

    /// The notes so far.
    pub(super) fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Handles a key.
    pub(super) fn key(&mut self, key: KeyEvent) -> Option<Wish> {
        if key.kind == KeyEventKind::Release {
            return None;
        }
        let marks = self.now.as_ref().map_or(1, |now| now.shape.marks.len()).max(1);
        match key.code {
            KeyCode::Char('q') | KeyCode::Esc => return Some(self.stop()),
            KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => {
                return Some(self.stop());
            }
            KeyCode::Tab => self.mark = (self.mark + 1) % marks,
            KeyCode::BackTab => self.mark = (self.mark + marks - 1) % marks,
            KeyCode::Char(digit @ '1'..='9') => {
                let mark = usize::from(digit as u8 - b'1');
                self.mark = if mark < marks { mark } else { self.mark };
            }
            _ => {}
        }
        None
    }

    /// What it means to ask for the end now.
    const fn stop(&mut self) -> Wish {
        self.stops = self.stops.saturating_add(1);
        if self.stops == 1 { Wish::Stop } else { Wish::Abort }
    }

    /// Draws everything that there is room for.
    pub(super) fn draw(&self, frame: &mut Frame<'_>) {
        let Some(now) = self.now.as_ref().map(Shown::progress) else {
            panels::waiting(frame, frame.area(), &self.facts);
            return;
        };
        let warnings = health::warnings(&self.facts, &now);
        let places = places(frame.area(), now.shape.marks.len(), warnings.len());
        panels::head(frame, places.head, &self.facts, &now);
        panels::health(frame, places.health, &now, &warnings);
        panels::rates(frame, places.rates, &self.facts, &self.history);
        panels::latency(frame, places.latency, &now, self.mark);
        if let Some(name) = now.shape.marks.get(self.mark) {
            chart::latency(frame, places.chart, &self.history, (self.mark, name));
        }
        lists::draw(frame, places.lists, &now);
        let note = self.notes.last().map(String::as_str);
        panels::foot(frame, places.foot, note, self.stops, now.shape.marks.len());
    }
}

impl Shown {
    /// What was kept.
    fn progress(&self) -> Progress<'_> {
        Progress {
            elapsed: self.elapsed,
            remaining: self.remaining,
            phase: &self.phase,
            second: &self.second,
            total: &self.total,
            shape: &self.shape,
        }
    }
}

/// Where each part goes on `area`, for so many marks and warnings.
fn places(area: Rect, marks: usize, warnings: usize) -> Places {
    let marks = u16::try_from(marks).unwrap_or(u16::MAX);
    let mut room = Room(area.height);
    let head = room.at_most(2);
    let health = room.at_most(u16::try_from(warnings).unwrap_or(0).saturating_add(1));
    let foot = room.all_or_nothing(1);
    let rows = [head, health, room.0, foot].map(Constraint::Length);
    let [head, health, middle, foot] = Layout::vertical(rows).areas(area);
    let places = Places { head, health, foot, ..Places::default() };
    let rates = if area.height < TALL { RATES_ROWS } else { RATES_ROWS_TALL };
    let rows = [rates, latency_rows(marks)];
    if area.width < WIDE { narrow(places, middle, rows) } else { wide(places, middle, rows) }
}

/// Rates and latency, of so many rows, side by side; what changes over time gets the room that
/// is left.
fn wide(places: Places, middle: Rect, rows: [u16; 2]) -> Places {
    let mut room = Room(middle.height);
    let top = room.at_most(rows[0].max(rows[1]));
    let mut lists = room.all_or_nothing(LISTS_ROWS_MIN);
    let mut chart = room.all_or_nothing(CHART_ROWS_MIN);
    share(&mut room, &mut lists, &mut chart);
    let [top, chart, lists] =
        Layout::vertical([top, chart, lists].map(Constraint::Length)).areas(middle);
    let halves = [Constraint::Fill(1), Constraint::Length(panels::LATENCY_COLUMNS)];
    let [rates, latency] = Layout::horizontal(halves).spacing(2).areas(top);
    Places { rates, latency, chart, lists, ..places }
}

/// One below the other, rates and latency of so many rows; the less important go first where
/// there is not enough room.
fn narrow(places: Places, middle: Rect, rows: [u16; 2]) -> Places {
    let mut room = Room(middle.height);
    let rates = room.all_or_nothing(rows[0]);
    let mut latency = room.all_or_nothing(rows[1].min(latency_rows(1)));
    let mut lists = room.all_or_nothing(LISTS_ROWS_MIN);
    let mut chart = room.all_or_nothing(CHART_ROWS_MIN);
    if latency > 0 && room.0 > CHART_ROWS_MIN {
        latency += room.at_most(rows[1] - latency);
    }
    share(&mut room, &mut lists, &mut chart);
    let rows = [rates, latency, chart, lists].map(Constraint::Length);
    let [rates, latency, chart, lists] = Layout::vertical(rows).areas(middle);
    Places { rates, latency, chart, lists, ..places }
}

/// Gives the room that is left to the chart, and to the lists what they can use.
fn share(room: &mut Room, lists: &mut u16, chart: &mut u16) {
    if *lists > 0 {
        let wanted = (LISTS_ROWS_MAX - LISTS_ROWS_MIN).min(room.0 / 3);
        *lists += room.at_most(wanted);
    }
    if *chart > 0 {
        *chart += room.at_most(u16::MAX);
    }
}

/// Rows of the latency of so many marks: a title, a heading, and two for each.
const fn latency_rows(marks: u16) -> u16 {
    marks.saturating_mul(2).saturating_add(2)
}

/// Rows that are left.
struct Room(u16);

impl Room {
    /// Takes as many as wanted, or what is left.
    fn at_most(&mut self, wanted: u16) -> u16 {
        let taken = wanted.min(self.0);
        self.0 -= taken;
        taken
    }

    /// Takes as many as wanted, or none if there are too few.
    fn all_or_nothing(&mut self, wanted: u16) -> u16 {
        if self.0 < wanted { 0 } else { self.at_most(wanted) }
    }
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;
    use crate::view::samples::{Sample, facts};

    /// A screen that was shown these seconds.
    fn screen_of(samples: &[Sample]) -> Screen {
        let mut screen = Screen::new(facts());
        for sample in samples {
            screen.second(&sample.progress());
        }
        screen
    }

    /// What a terminal of this size shows.
    fn drawn(screen: &Screen, columns: u16, rows: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
        terminal.draw(|frame| screen.draw(frame)).unwrap();
        terminal.backend().to_string()
    }

    /// A minute with a dip and a second in which nothing happened.
    fn minute() -> Vec<Sample> {
        let mut seconds = vec![Sample::busy(); 60];
        seconds[30] = Sample::quiet();
        for _ in 0..1000 {
            seconds[45].second.latencies[0].record(Duration::from_millis(200));
        }
        seconds
    }

    /// A key without modifiers.
    fn press(code: KeyCode) -> KeyEvent {
        KeyEvent::new(code, KeyModifiers::NONE)
    }

    #[test]
    fn a_small_terminal_shows_the_numbers_and_a_small_chart() {
        insta::assert_snapshot!(drawn(&screen_of(&minute()), 80, 24));
    }

    #[test]
    fn a_larger_terminal_shows_all_marks_and_a_higher_chart() {
        insta::assert_snapshot!(drawn(&screen_of(&minute()), 120, 40));
    }

    #[test]
    fn no_size_makes_drawing_panic() {
        let screens = [Screen::new(facts()), screen_of(&[Sample::late()])];
        for screen in &screens {
            for columns in [0, 1, 2, 10, 21, 60, 149, 150, 300] {
                for rows in [0, 1, 2, 3, 4, 5, 8, 10, 13, 16, 18, 20, 44, 45, 100] {
                    let backend = TestBackend::new(columns, rows);
                    Terminal::new(backend).unwrap().draw(|frame| screen.draw(frame)).unwrap();
                }
            }
        }
    }

    #[test]
    fn a_run_without_marks_is_drawn_too() {
        let mut sample = Sample::busy();
        sample.shape.marks.clear();
        sample.second.latencies.clear();
        sample.total.latencies.clear();
        let mut screen = screen_of(&[sample]);
        assert_eq!(screen.key(press(KeyCode::Tab)), None);
        assert!(drawn(&screen, 80, 24).contains("offered"));
    }

    #[test]
    fn there_is_a_warning_when_the_lag_is_above_its_bound() {
        assert!(!drawn(&screen_of(&[Sample::busy()]), 80, 24).contains("is late"));
        let late = drawn(&screen_of(&[Sample::late()]), 80, 24);
        assert!(late.contains("the generator is late: lag p99 14"), "{late}");
        let mut invalid = Sample::late();
        invalid.total.lag = invalid.second.lag.clone();
        assert!(drawn(&screen_of(&[invalid]), 80, 24).contains("the run is invalid so far"));
    }

    #[test]
    fn the_first_wish_to_end_is_polite_and_the_second_is_not() {
        let mut screen = screen_of(&[Sample::busy()]);
        let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(screen.key(press(KeyCode::Char('c'))), None);
        assert_eq!(screen.key(interrupt), Some(Wish::Stop));
        assert!(drawn(&screen, 80, 24).contains("again"));
        assert_eq!(screen.key(press(KeyCode::Esc)), Some(Wish::Abort));
    }

    #[test]
    fn keys_choose_the_mark_of_the_chart() {
        let mut screen = screen_of(&[Sample::busy()]);
        let mut chart_after = |code| {
            screen.key(press(code));
            let drawn = drawn(&screen, 80, 24);
            drawn.lines().find(|line| line.contains("p99 of")).unwrap_or_default().to_owned()
        };
        assert!(chart_after(KeyCode::Tab).contains("hang-up"));
        assert!(chart_after(KeyCode::Char('3')).contains("of call"));
        assert!(chart_after(KeyCode::Char('9')).contains("of call"));
        assert!(chart_after(KeyCode::Tab).contains("of answer"));
        assert!(chart_after(KeyCode::BackTab).contains("of call"));
    }

    #[test]
    fn the_last_note_is_shown() {
        let mut screen = screen_of(&[Sample::busy()]);
        screen.note("1,000 users registered");
        assert!(drawn(&screen, 80, 24).contains("1,000 users registered"));
    }
}
