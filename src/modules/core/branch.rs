//! The destination set.

use crate::modules::core::uri::is_safe;
use crate::script::{Argument, Branch, Execution, FALSE, LogLevel, ReturnCode, TRUE};

/// `append_branch()`.
pub(super) fn append_current(execution: &mut Execution<'_>, _: &[Argument<'_>]) -> ReturnCode {
    let transit = &execution.transit;
    let branch =
        Branch { uri: transit.uri, destination: transit.destination, path: transit.path, q: None };
    push(execution, branch)
}

/// `append_branch(uri, q)`.
pub(super) fn append<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let [Argument::Text(uri), rest @ ..] = arguments else { return FALSE };
    let q = match rest {
        [Argument::Text(q)] => match parse_q(q) {
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

/// A `q` value in thousandths (RFC 3261 §25.1 `qvalue`).
fn parse_q(text: &[u8]) -> Option<u16> {
    let (whole, fraction) = match text {
        [whole] => (*whole, &[][..]),
        [whole, b'.', fraction @ ..] if fraction.len() <= 3 => (*whole, fraction),
        _ => return None,
    };
    let scale = [100, 10, 1];
    let thousandths = fraction.iter().zip(scale).try_fold(0, |sum, (digit, weight)| {
        digit.is_ascii_digit().then(|| sum + u16::from(digit - b'0') * weight)
    })?;
    match whole {
        b'0' => Some(thousandths),
        b'1' if thousandths == 0 => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferences_are_thousandths() {
        for (text, q) in [
            ("0", Some(0)),
            ("1", Some(1000)),
            ("1.000", Some(1000)),
            ("0.5", Some(500)),
            ("0.05", Some(50)),
            ("0.123", Some(123)),
            ("1.1", None),
            ("2", None),
            ("0.1234", None),
            ("", None),
            ("0.x", None),
        ] {
            assert_eq!(parse_q(text.as_bytes()), q, "{text}");
        }
    }
}
