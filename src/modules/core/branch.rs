//! The destination set.

use crate::modules::core::uri::is_safe;
use crate::modules::table::int;
use crate::script::{Argument, Branch, Execution, FALSE, Index, ReturnCode, TRUE};
use crate::sip::parse_qvalue;

/// `append_branch()`: all that is decided about the Request-URI goes to the branch.
pub(super) fn append_current(execution: &mut Execution<'_>, _: &[Argument<'_>]) -> ReturnCode {
    let branch = current(execution);
    if !push(execution, branch) {
        return FALSE;
    }
    let transit = &mut execution.transit;
    (transit.destination, transit.path, transit.send_listener) = (None, &[], None);
    execution.branch_flags = 0;
    TRUE
}

/// `append_branch(uri[, q])`.
pub(super) fn append<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let [Argument::Text(uri), rest @ ..] = arguments else { return FALSE };
    let q = match rest {
        [Argument::Text(q)] => match parse_qvalue(q) {
            Some(q) => Some(q),
            None => {
                execution.complain("append_branch: q must be a number from 0 to 1");
                return FALSE;
            }
        },
        _ => None,
    };
    if uri.is_empty() || !is_safe(uri) || execution.parse_uri(uri).is_none() {
        execution.complain("append_branch: this is no URI");
        return FALSE;
    }
    let branch = Branch { uri, q, ..current(execution) };
    if push(execution, branch) { TRUE } else { FALSE }
}

/// The Request-URI and all that is decided about it, as a branch.
const fn current<'m>(execution: &Execution<'m>) -> Branch<'m> {
    let transit = &execution.transit;
    Branch {
        uri: transit.uri,
        destination: transit.destination,
        path: transit.path,
        q: transit.q,
        flags: execution.branch_flags,
        send_listener: transit.send_listener,
    }
}

/// `clear_branches()`.
pub(super) fn clear(execution: &mut Execution<'_>, _: &[Argument<'_>]) -> ReturnCode {
    execution.transit.branches.clear();
    TRUE
}

/// `remove_branch(index)`.
pub(super) fn remove(execution: &mut Execution<'_>, arguments: &[Argument<'_>]) -> ReturnCode {
    let index = int(arguments, 0).and_then(|index| i32::try_from(index).ok());
    match index.and_then(|index| position(execution, Index::At(index))) {
        Some(at) => {
            execution.transit.branches.remove(at);
            TRUE
        }
        None => FALSE,
    }
}

/// Adds a branch; false, and a line in the log, if there is no room for one.
pub(in crate::modules) fn push<'m>(execution: &mut Execution<'m>, branch: Branch<'m>) -> bool {
    let most = execution.program.settings().max_branches;
    if execution.transit.branches.len() >= most {
        let text = format!("the destination set is full: there are {most} branches (max_branches)");
        execution.complain(&text);
        return false;
    }
    execution.transit.branches.push(branch);
    true
}

/// The place of the branch that an index means: the first if there is none.
pub(in crate::modules) fn position(execution: &Execution<'_>, index: Index) -> Option<usize> {
    let count = execution.transit.branches.len();
    let at = match index {
        Index::None | Index::All => 0,
        Index::At(at) if at >= 0 => usize::try_from(at).ok()?,
        Index::At(at) => count.checked_sub(usize::try_from(at.unsigned_abs()).ok()?)?,
    };
    (at < count).then_some(at)
}
