//! Substitutions in the style of `sed`: `/regex/replacement/flags`.

/// A compiled substitution.
#[derive(Clone, Debug)]
pub struct Substitution;
