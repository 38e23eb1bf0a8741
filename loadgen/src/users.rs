//! The users that call and are called.

/// The users of a run; none is a run without registration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Users {
    /// User parts of their URIs.
    pub names: Vec<String>,
    /// The domain that they belong to; none is the target's address and port.
    pub domain: Option<String>,
}
