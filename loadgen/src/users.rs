//! The users that call and are called.

/// The users of a run; none is a run without registration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Users {
    /// User parts of their URIs.
    pub names: Vec<String>,
    /// The domain that they belong to; none is the target's address and port.
    pub domain: Option<String>,
}

impl Users {
    /// Who calls and who is called in the call with this number.
    #[must_use]
    pub fn pair(&self, call: u64) -> Option<(usize, usize)> {
        let _ = call;
        None
    }
}
