//! The answer to a command, as it is being given.

use std::borrow::Cow;

use super::page::{Format, Page};
use super::scene::Scene;

/// What becomes of a command.
#[derive(Debug)]
pub enum Outcome {
    /// It is answered.
    Answer(Answer),
    /// Something is to be read again; what comes of it is told by [`Answer::of_reload`].
    Reload(Reload),
}

/// What is to be read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reload {
    /// The script, and all that it names.
    Script,
    /// What the script that runs names for TLS.
    Tls,
}

/// An answer: its status at once, its entries in pieces.
#[derive(Debug)]
pub struct Answer {
    code: u16,
    reason: Cow<'static, str>,
    page: Page,
    steps: Option<Box<dyn Steps>>,
    is_open: bool,
}

/// What a command has left to do when it returns.
#[derive(Debug)]
pub(super) enum Rest {
    /// Nothing.
    Nothing,
    /// These steps.
    Steps(Box<dyn Steps>),
    /// To read something again.
    Reload(Reload),
}

/// The rest of an answer that is made step by step, each short.
pub(super) trait Steps: std::fmt::Debug + Send {
    /// Writes some more entries, or none; false if that was the last step.
    fn step(&mut self, scene: &Scene<'_>, page: &mut Page) -> bool;
}

/// Why a command did nothing: code and reason.
#[derive(Debug)]
pub(super) struct Failure(pub(super) u16, pub(super) Cow<'static, str>);

impl Failure {
    /// The words are not what the command takes.
    pub(super) fn bad(reason: impl Into<Cow<'static, str>>) -> Self {
        Self(400, reason.into())
    }

    /// There is no such thing.
    pub(super) fn missing(reason: impl Into<Cow<'static, str>>) -> Self {
        Self(404, reason.into())
    }
}

impl Answer {
    /// The answer `200 OK` with what is on `page`, and what comes by the steps.
    pub(super) fn success(page: Page, steps: Option<Box<dyn Steps>>) -> Self {
        Self { code: 200, reason: Cow::Borrowed("OK"), page, steps, is_open: false }
    }

    /// The answer to what cannot be done.
    pub(super) fn failure(Failure(code, reason): Failure, page: Page) -> Self {
        Self { code, reason, page, steps: None, is_open: false }
    }

    /// The answer to words that no command could be made of.
    #[must_use]
    pub fn refusal(reason: impl Into<Cow<'static, str>>, format: Format) -> Self {
        Self::failure(Failure::bad(reason), Page::new(format))
    }

    /// The answer to a reload: whether it took place, or why not, and what there is to say about
    /// the script, line by line.
    #[must_use]
    pub fn of_reload(result: Result<(), String>, remarks: &str, format: Format) -> Self {
        let mut page = Page::new(format);
        remarks.lines().for_each(|line| page.line(line));
        match result {
            Ok(()) => Self::success(page, None),
            Err(reason) => Self::failure(Failure(500, reason.into()), page),
        }
    }

    /// Its first line, for people and scripts: `200 OK`. The reason is on one line.
    #[must_use]
    pub fn status_line(&self) -> String {
        let mut line = format!("{} ", self.code);
        super::page::push_visible(&mut line, self.reason.as_bytes());
        line.push('\n');
        line
    }

    /// Appends the next piece to `out`, which may be empty; false if it was the last one.
    pub fn write_piece(&mut self, scene: &Scene<'_>, out: &mut Vec<u8>) -> bool {
        if !self.is_open {
            self.is_open = true;
            self.page.write_opening(self.code, &self.reason, out);
        }
        let has_more = match &mut self.steps {
            Some(steps) => steps.step(scene, &mut self.page),
            None => false,
        };
        self.page.move_to(out);
        if !has_more {
            self.steps = None;
            self.page.write_closing(out);
        }
        has_more
    }
}
