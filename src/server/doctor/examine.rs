//! From facts to findings: a function of its input.

use super::facts::Facts;
use super::finding::Finding;
use super::{cores, memory, network};

/// All findings, in the order in which they are told.
pub(super) fn examine(facts: &Facts) -> Vec<Finding> {
    let checks: [&dyn Fn(&Facts) -> Vec<Finding>; 3] =
        [&network::examine, &cores::examine, &memory::examine];
    checks.iter().flat_map(|check| check(facts)).collect()
}
