//! What the doctor says.

/// How a fact is judged, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    /// Nothing to do.
    Fine,
    /// Nothing is wrong, but whoever runs the server should know it.
    Note,
    /// The server works, but would be faster or steadier.
    Better,
    /// Datagrams are lost at ordinary load, or the server does not start.
    Must,
}

impl Verdict {
    /// Its name, also in JSON.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Note => "note",
            Self::Better => "better",
            Self::Must => "must",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    /// What was looked at.
    pub(super) check: &'static str,
    /// How it is judged.
    pub(super) verdict: Verdict,
    /// What is.
    pub(super) is: String,
    /// What would be better; empty if nothing.
    pub(super) better: String,
    /// Why.
    pub(super) why: &'static str,
    /// The commands that change it, as root.
    pub(super) commands: Vec<String>,
}

impl Finding {
    /// A finding with nothing to do.
    pub(super) fn fine(check: &'static str, is: impl Into<String>) -> Self {
        Self {
            check,
            verdict: Verdict::Fine,
            is: is.into(),
            better: String::new(),
            why: "",
            commands: Vec::new(),
        }
    }

    /// The same with another verdict, and the reason.
    pub(super) fn because(mut self, verdict: Verdict, why: &'static str) -> Self {
        self.verdict = verdict;
        self.why = why;
        self
    }

    /// The same with what would be better.
    pub(super) fn better(mut self, better: impl Into<String>) -> Self {
        self.better = better.into();
        self
    }

    /// The same with a command.
    pub(super) fn command(mut self, command: impl Into<String>) -> Self {
        self.commands.push(command.into());
        self
    }
}
