//! References to pseudo-variables: `$ru`, `$(hdr(X)[-1]{s.len})`.

/// A compiled reference to a pseudo-variable.
#[derive(Clone, Debug)]
pub struct Variable;
