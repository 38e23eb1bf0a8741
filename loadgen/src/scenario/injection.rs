//! Injection files: lines of fields that messages are filled from (SIPp `-inf`).

/// An injection file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Injection {
    /// The name that `[fieldN file="..."]` says.
    pub name: String,
    /// How lines are dealt out.
    pub order: Order,
    /// The lines, split into fields.
    pub lines: Vec<Vec<String>>,
}

/// How the lines of an injection file are dealt out to calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// One after another, from the start again at the end.
    Sequential,
    /// By chance.
    Random,
}
