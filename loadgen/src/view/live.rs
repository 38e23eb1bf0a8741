//! The live view: the terminal and its keys around a [`Screen`].

use std::io::{self, IsTerminal, Write};
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::{self, Event};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::{DefaultTerminal, Terminal};

use super::screen::Screen;
use super::{Facts, Progress, View, Wish};

/// Events handled at once, so that a stuck key does not hold up the run.
const EVENTS_MAX: usize = 64;

/// Whether the terminal is taken. It is shared with the panic hook, so that it is given back once
/// only: the second time would put the cursor over the message of the panic.
static TAKEN: AtomicBool = AtomicBool::new(false);

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
        let terminal = take_terminal().inspect_err(|_| give_back())?;
        let mut live = Self { terminal: Some(terminal), screen: Screen::new(facts) };
        live.draw();
        Ok(live)
    }

    /// Draws the screen, unless a thread panicked: its message is to stay readable. A terminal
    /// that fails is no reason to end a run.
    fn draw(&mut self) {
        if !TAKEN.load(Ordering::Acquire) {
            return;
        }
        if let Some(terminal) = &mut self.terminal {
            let _ = terminal.draw(|frame| self.screen.draw(frame));
        }
    }

    /// The next event, if one is there.
    fn event() -> Option<Event> {
        let ready = TAKEN.load(Ordering::Acquire) && event::poll(Duration::ZERO).unwrap_or(false);
        if ready { event::read().ok() } else { None }
    }

    /// Gives the terminal back, and repeats the notes, which went away with the screen.
    fn close(&mut self) {
        if self.terminal.take().is_some() {
            give_back();
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
            match Self::event() {
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

/// Raw mode, the alternate screen, and a panic hook that ends both before the message is printed.
fn take_terminal() -> io::Result<DefaultTerminal> {
    TAKEN.store(true, Ordering::Release);
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        give_back();
        usual(info);
    }));
    enable_raw_mode()?;
    execute!(io::stdout(), EnterAlternateScreen)?;
    Terminal::new(CrosstermBackend::new(io::stdout()))
}

/// Gives the terminal back if it is taken.
fn give_back() {
    if TAKEN.swap(false, Ordering::AcqRel) {
        let _ = disable_raw_mode();
        let _ = execute!(io::stdout(), LeaveAlternateScreen, Show);
    }
}
