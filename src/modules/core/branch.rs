//! The destination set.

use crate::modules::core::uri::is_safe;
use crate::script::{Argument, Branch, Execution, FALSE, LogLevel, ReturnCode, TRUE};
use crate::sip::parse_qvalue;

/// `append_branch()`.
pub(super) fn append_current(execution: &mut Execution<'_>, _: &[Argument<'_>]) -> ReturnCode {
    let transit = &execution.transit;
    let branch = Branch {
        uri: transit.uri,
        destination: transit.destination,
        path: transit.path,
        q: transit.q,
    };
    push(execution, branch)
}

/// `append_branch(uri, q)`.
pub(super) fn append<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let [Argument::Text(uri), rest @ ..] = arguments else { return FALSE };
    let q = match rest {
        [Argument::Text(q)] => match parse_qvalue(q) {
            Some(q) => Some(q),
            None => return FALSE,
        },
        _ => None,
    };
    if uri.is_empty() || !is_safe(uri) {
        return FALSE;
    }
    push(execution, Branch { uri, destination: None, path: &[], q })
}

/// `clear_branches()`.
pub(super) fn clear(execution: &mut Execution<'_>, _: &[Argument<'_>]) -> ReturnCode {
    execution.transit.branches.clear();
    TRUE
}

/// Adds a branch, if there is room for one.
fn push<'m>(execution: &mut Execution<'m>, branch: Branch<'m>) -> ReturnCode {
    if execution.transit.branches.len() >= execution.program.settings().max_branches {
        execution.host.log(LogLevel::Error, b"append_branch: there are max_branches already\n");
        return FALSE;
    }
    execution.transit.branches.push(branch);
    TRUE
}
