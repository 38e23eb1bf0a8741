//! `log`.

use crate::script::{Argument, Execution, FALSE, LogLevel, ReturnCode, TRUE};

/// `log(text)`.
pub(super) fn error(execution: &mut Execution<'_>, arguments: &[Argument<'_>]) -> ReturnCode {
    let [Argument::Text(text)] = arguments else { return FALSE };
    execution.host.log(LogLevel::Error, text);
    TRUE
}

/// `error(text, reason)`.
pub(super) fn notice(execution: &mut Execution<'_>, arguments: &[Argument<'_>]) -> ReturnCode {
    let [Argument::Text(text), Argument::Text(reason)] = arguments else { return FALSE };
    if execution.host.logs(LogLevel::Notice) {
        let place = execution.place();
        let line = [place.as_bytes(), b": ", text, b": ", reason, b"\n"].concat();
        execution.host.log(LogLevel::Notice, &line);
    }
    TRUE
}

/// `log(level, text)`.
pub(super) fn at_level(execution: &mut Execution<'_>, arguments: &[Argument<'_>]) -> ReturnCode {
    let [Argument::Int(level), Argument::Text(text)] = arguments else { return FALSE };
    execution.host.log(LogLevel::from_number(*level), text);
    TRUE
}
