//! Values of the script.

/// A value: what a pseudo-variable holds, an expression computes, a function is given.
/// Strings borrow the message, the program or the run's arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Value<'m> {
    /// `$null`: not there.
    #[default]
    Null,
    /// A number.
    Int(i64),
    /// A string; any bytes.
    Text(&'m [u8]),
}

impl Value<'_> {
    /// Whether it counts as true in a condition: a number other than 0, a string with something
    /// in it.
    #[must_use]
    pub const fn is_true(self) -> bool {
        match self {
            Self::Null => false,
            Self::Int(number) => number != 0,
            Self::Text(text) => !text.is_empty(),
        }
    }
}
