//! The state of one run of the script over one message.

use super::{Host, Program, Transit};

/// One run of the script: the message in transit, the proxy, and what the script itself keeps.
pub struct Execution<'m> {
    /// The message and the decisions about it.
    pub transit: Transit<'m>,
    /// The proxy.
    pub host: &'m mut (dyn Host + 'm),
    /// The program that runs.
    pub program: &'m Program,
}

impl std::fmt::Debug for Execution<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Execution").field("transit", &self.transit).finish_non_exhaustive()
    }
}
