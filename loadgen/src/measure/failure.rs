//! Why a call failed.

/// Why a call failed; each failed call has exactly one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Failure {
    /// A request got no final response in 64 × T1 (RFC 3261 Timer B or F).
    NoAnswer,
    /// A 2xx or other final response to an INVITE got no ACK in 64 × T1 (RFC 3261 §13.3.1.4,
    /// Timer H).
    NoAck,
    /// A message that the scenario waits for did not come in the time that it gives.
    Timeout,
    /// A final response that the scenario does not expect.
    UnexpectedStatus,
    /// A request that the scenario does not expect.
    UnexpectedRequest,
    /// An action of the scenario with `check_it` did not match.
    Check,
    /// The call was in progress when the run was ended, and did not end in time.
    Abandoned,
}

impl Failure {
    /// How many there are.
    pub const COUNT: usize = Self::ALL.len();

    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 7] = [
        Self::NoAnswer,
        Self::NoAck,
        Self::Timeout,
        Self::UnexpectedStatus,
        Self::UnexpectedRequest,
        Self::Check,
        Self::Abandoned,
    ];

    /// Its name in reports: `no answer`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoAnswer => "no answer",
            Self::NoAck => "no ACK",
            Self::Timeout => "timeout",
            Self::UnexpectedStatus => "unexpected status",
            Self::UnexpectedRequest => "unexpected request",
            Self::Check => "check failed",
            Self::Abandoned => "abandoned",
        }
    }
}
