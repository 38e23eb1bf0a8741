//! The live view: the terminal and its keys around a [`Screen`].

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event};

use super::screen::Screen;
use super::{Facts, Progress, View, Wish};

/// Events handled at once, so that a stuck key does not hold up the run.
const EVENTS_MAX: usize = 64;

/// The live view. It owns the terminal until it is finished or dropped.
#[derive(Debug)]
pub(super) struct Live {
    /// None once it has been given back.
    terminal: Option<DefaultTerminal>,
    screen: Screen,
}

impl Live {
    /// Takes the terminal: raw mode, the alternate screen, and a panic hook that gives it back.
    pub(super) fn open(facts: Facts) -> io::Result<Self> {
        if !io::stdout().is_terminal() {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "stdout is no terminal"));
        }
        match ratatui::try_init() {
            Ok(terminal) => {
                let mut live = Self { terminal: Some(terminal), screen: Screen::new(facts) };
                live.draw();
                Ok(live)
            }
            Err(error) => {
                let _ = ratatui::try_restore();
                Err(error)
            }
        }
    }

    /// Draws the screen. A terminal that fails is no reason to end a run.
    fn draw(&mut self) {
        if let Some(terminal) = &mut self.terminal {
            let _ = terminal.draw(|frame| self.screen.draw(frame));
        }
    }

    /// The next event, if one is there.
    fn event(&self) -> Option<Event> {
        let ready = self.terminal.is_some() && event::poll(Duration::ZERO).unwrap_or(false);
        if ready { event::read().ok() } else { None }
    }

    /// Gives the terminal back, and repeats the notes, which went away with the screen.
    fn close(&mut self) {
        if self.terminal.take().is_some() {
            let _ = ratatui::try_restore();
            let mut stderr = io::stderr().lock();
            for note in self.screen.notes() {
                let _ = writeln!(stderr, "{note}");
            }
        }
    }
}

impl View for Live {
    fn second(&mut self, now: &Progress<'_>) {
        self.screen.second(now);
        self.draw();
    }

    fn note(&mut self, text: &str) {
        self.screen.note(text);
        self.draw();
    }

    fn poll(&mut self) -> Option<Wish> {
        let mut wish = None;
        let mut changed = false;
        for _ in 0..EVENTS_MAX {
            match self.event() {
                Some(Event::Key(key)) => wish = self.screen.key(key).max(wish),
                Some(Event::Resize(..)) => {}
                Some(_) => continue,
                None => break,
            }
            changed = true;
        }
        if changed {
            self.draw();
        }
        wish
    }

    fn finish(&mut self) {
        self.close();
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.close();
    }
}
