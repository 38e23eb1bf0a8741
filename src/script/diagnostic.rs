//! Problems of a script, as values.

use super::Span;

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Something to know.
    Note,
    /// It runs, but probably not as meant.
    Warning,
    /// It cannot run.
    Error,
}

/// The stable number of a kind of problem, such as `E0103`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code(pub &'static str);

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad.
    pub severity: Severity,
    /// Which kind.
    pub code: Code,
    /// What is wrong, in a sentence without a full stop.
    pub message: String,
    /// Where, and a few words for the caret line (may be empty).
    pub primary: (Span, String),
    /// Other places that matter, each with a few words.
    pub secondary: Vec<(Span, String)>,
    /// What to do about it.
    pub help: Option<String>,
    /// What to write instead, where that is plain: made together, these changes repair it.
    pub fix: Vec<Change>,
}

/// A change of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What is replaced; empty where something is inserted.
    pub span: Span,
    /// By what.
    pub text: String,
}

impl Diagnostic {
    /// A problem because of which the script cannot run.
    #[must_use]
    pub fn error(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, span, message)
    }

    /// Something that runs, but probably not as meant.
    #[must_use]
    pub fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, span, message)
    }

    /// Something to know.
    #[must_use]
    pub fn note(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Note, code, span, message)
    }

    /// With a few words at the caret.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.primary.1 = label.into();
        self
    }

    /// With another place that matters.
    #[must_use]
    pub fn also(mut self, span: Span, label: impl Into<String>) -> Self {
        self.secondary.push((span, label.into()));
        self
    }

    /// With what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// With what to write instead.
    #[must_use]
    pub fn fix(mut self, span: Span, text: impl Into<String>) -> Self {
        self.fix.push(Change { span, text: text.into() });
        self
    }

    /// With advice to add `mark`, which is missing where the problem is.
    #[must_use]
    pub fn missing(self, mark: &str) -> Self {
        let end = self.primary.0.end;
        self.help(format!("add `{mark}`")).fix(Span { start: end, end }, mark)
    }

    /// With "did you mean", if there is a likely name for what the problem is about.
    #[must_use]
    pub fn suggest(self, name: Option<&str>) -> Self {
        let at = self.primary.0;
        match name {
            Some(name) => self.help(format!("did you mean `{name}`?")).fix(at, name),
            None => self,
        }
    }

    /// A problem without labels and help.
    pub(super) fn new(
        severity: Severity,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
    ) -> Self {
        Self {
            severity,
            code: Code(code),
            message: message.into(),
            primary: (span, String::new()),
            secondary: Vec::new(),
            help: None,
            fix: Vec::new(),
        }
    }
}

/// The problems found so far; keeps a bounded number of them, each place once.
#[derive(Debug, Default)]
pub(super) struct Problems {
    list: Vec<Diagnostic>,
    errors: usize,
}

impl Problems {
    /// Adds a problem, unless there are too many or the last one is at the same place. One
    /// place may have several notes.
    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        let same = |other: &Diagnostic| {
            other.severity == diagnostic.severity
                && (other.severity != Severity::Note || other.code == diagnostic.code)
                && other.primary.0.start == diagnostic.primary.0.start
        };
        if self.list.last().is_some_and(same) {
            return;
        }
        let is_error = diagnostic.severity == Severity::Error;
        let count = if is_error { self.errors } else { self.list.len() - self.errors };
        if count < PROBLEM_COUNT_MAX {
            self.errors += usize::from(is_error);
            self.list.push(diagnostic);
        }
    }

    /// Whether so many errors were found that reading on helps nobody.
    pub(super) fn is_full(&self) -> bool {
        self.errors >= PROBLEM_COUNT_MAX
    }

    /// Whether a problem of this kind was found.
    pub(super) fn has(&self, code: &str) -> bool {
        self.list.iter().any(|diagnostic| diagnostic.code.0 == code)
    }

    /// Where errors were found so far.
    pub(super) fn error_spans(&self) -> impl Iterator<Item = Span> {
        let errors = self.list.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
        errors.map(|diagnostic| diagnostic.primary.0)
    }

    /// Whether an error was found.
    pub(super) fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// The problems in the order of their places.
    pub(super) fn into_list(mut self) -> Vec<Diagnostic> {
        self.list.sort_by_key(|diagnostic| diagnostic.primary.0.start);
        self.list
    }
}

/// Errors kept of one script, and as many of the rest: more than anyone reads at once.
pub(super) const PROBLEM_COUNT_MAX: usize = 200;
