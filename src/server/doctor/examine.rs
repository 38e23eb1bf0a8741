//! From facts to findings: a function of its input.

use super::facts::Facts;
use super::finding::Finding;
use super::{cores, memory, network};

/// All findings, in the order in which they are told.
pub(super) fn examine(facts: &Facts) -> Vec<Finding> {
    [network::examine(facts), cores::examine(facts), memory::examine(facts)].concat()
}
