//! Flags of the message and of the first branch.

use crate::script::{Argument, Execution, FALSE, ReturnCode, TRUE};

/// `setflag(n)`.
pub(super) fn set(execution: &mut Execution<'_>, arguments: &[Argument<'_>]) -> ReturnCode {
    execution.transit.flags |= bit(arguments);
    TRUE
}

/// `resetflag(n)`.
pub(super) fn reset(execution: &mut Execution<'_>, arguments: &[Argument<'_>]) -> ReturnCode {
    execution.transit.flags &= !bit(arguments);
    TRUE
}

/// `isflagset(n)`.
pub(super) fn is_set(execution: &mut Execution<'_>, arguments: &[Argument<'_>]) -> ReturnCode {
    if execution.transit.flags & bit(arguments) != 0 { TRUE } else { FALSE }
}

/// `setbflag(n)`.
pub(super) fn set_branch(execution: &mut Execution<'_>, arguments: &[Argument<'_>]) -> ReturnCode {
    change(execution, arguments, |flags, bit| flags | bit)
}

/// `resetbflag(n)`.
pub(super) fn reset_branch(
    execution: &mut Execution<'_>,
    arguments: &[Argument<'_>],
) -> ReturnCode {
    change(execution, arguments, |flags, bit| flags & !bit)
}

/// `isbflagset(n)`.
pub(super) fn is_branch_set(
    execution: &mut Execution<'_>,
    arguments: &[Argument<'_>],
) -> ReturnCode {
    let is_set = execution.branch_flags & bit(arguments) != 0;
    if is_set && is_first_branch(arguments) { TRUE } else { FALSE }
}

/// Changes the flags of the first branch.
fn change(
    execution: &mut Execution<'_>,
    arguments: &[Argument<'_>],
    change: fn(u32, u32) -> u32,
) -> ReturnCode {
    if !is_first_branch(arguments) {
        return FALSE;
    }
    execution.branch_flags = change(execution.branch_flags, bit(arguments));
    TRUE
}

/// Whether the branch, the second argument, is the first one.
fn is_first_branch(arguments: &[Argument<'_>]) -> bool {
    matches!(arguments.get(1), None | Some(Argument::Int(0)))
}

/// The bit of the flag, the first argument.
fn bit(arguments: &[Argument<'_>]) -> u32 {
    match arguments.first() {
        Some(Argument::Int(number)) => {
            u32::try_from(*number).ok().and_then(|number| 1_u32.checked_shl(number)).unwrap_or(0)
        }
        _ => 0,
    }
}
