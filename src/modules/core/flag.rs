//! Flags of the message and of the branches.

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

/// `setbflag(flag[, branch])`.
pub(super) fn set_branch(execution: &mut Execution<'_>, arguments: &[Argument<'_>]) -> ReturnCode {
    change(execution, arguments, |flags, bit| flags | bit)
}

/// `resetbflag(flag[, branch])`.
pub(super) fn reset_branch(
    execution: &mut Execution<'_>,
    arguments: &[Argument<'_>],
) -> ReturnCode {
    change(execution, arguments, |flags, bit| flags & !bit)
}

/// `isbflagset(flag[, branch])`.
pub(super) fn is_branch_set(
    execution: &mut Execution<'_>,
    arguments: &[Argument<'_>],
) -> ReturnCode {
    let bit = bit(arguments);
    match branch_flags(execution, arguments) {
        Some(flags) if *flags & bit != 0 => TRUE,
        _ => FALSE,
    }
}

/// Changes the flags of a branch.
fn change(
    execution: &mut Execution<'_>,
    arguments: &[Argument<'_>],
    change: fn(u32, u32) -> u32,
) -> ReturnCode {
    let bit = bit(arguments);
    let Some(flags) = branch_flags(execution, arguments) else { return FALSE };
    *flags = change(*flags, bit);
    TRUE
}

/// The flags of the branch that is the second argument: 0 is the Request-URI.
fn branch_flags<'e>(
    execution: &'e mut Execution<'_>,
    arguments: &[Argument<'_>],
) -> Option<&'e mut u32> {
    let number = match arguments.get(1) {
        Some(Argument::Int(number)) => usize::try_from(*number).ok()?,
        _ => 0,
    };
    match number.checked_sub(1) {
        None => Some(&mut execution.branch_flags),
        Some(at) => execution.transit.branches.get_mut(at).map(|branch| &mut branch.flags),
    }
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
