//! `log`.

use crate::script::{Argument, Execution, FALSE, LogLevel, ReturnCode, TRUE};

/// `log(text)`.
pub(super) fn error(execution: &mut Execution<'_>, arguments: &[Argument<'_>]) -> ReturnCode {
    let [Argument::Text(text)] = arguments else { return FALSE };
    execution.host.log(LogLevel::Error, text);
    TRUE
}

/// `log(level, text)`.
pub(super) fn at_level(execution: &mut Execution<'_>, arguments: &[Argument<'_>]) -> ReturnCode {
    let [Argument::Int(level), Argument::Text(text)] = arguments else { return FALSE };
    execution.host.log(LogLevel::from_number(*level), text);
    TRUE
}
