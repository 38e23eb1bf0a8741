//! `maxfwd`: The Max-Forwards check.

use std::sync::Arc;

use super::table::{function, int};
use crate::script::ast::GlobalValue;
use crate::script::{
    Argument, Execution, FALSE, FunctionSpec, ModuleConfig, ModuleSpec, ParameterKind,
    ParameterSpec, Program, ReturnCode, RouteKinds, SettingKind, SettingSpec, TRUE,
};
use crate::sip::{HeaderName, parse_max_forwards};

/// The module.
pub(super) const MODULE: ModuleSpec = ModuleSpec {
    functions: FUNCTIONS,
    settings: &[SettingSpec {
        name: "max_limit",
        kind: SettingKind::Int,
        effective: true,
        doc: "The most that Max-Forwards may say when a request leaves (1 to 256; 70).",
    }],
    configure: Some(configure),
    knows_defaults: true,
    ..ModuleSpec::new("maxfwd", "The Max-Forwards check.")
};

/// The limit, for a request without Max-Forwards or to compare with.
const LIMIT: ParameterSpec = ParameterSpec::required("max_value", ParameterKind::Int);

/// The functions.
const FUNCTIONS: &[FunctionSpec] = &[
    FunctionSpec {
        aliases: &["maxfwd_process", "process_maxfwd"],
        routes: RouteKinds::REQUEST,
        ..function(
            "mf_process_maxfwd_header",
            &[LIMIT],
            "Counts Max-Forwards down. False if it is 0 already: the request must not be \
             forwarded then.\n\nA request without Max-Forwards gets one with the given value; the \
             code is 2 then. In a second call nothing is counted, and forwarding does not count \
             again.",
            r#"if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many"); exit; }"#,
            process,
        )
    },
    FunctionSpec {
        aliases: &["maxfwd_at_least", "mf_lowlimit"],
        routes: RouteKinds::REQUEST,
        ..function(
            "is_maxfwd_lt",
            &[LIMIT],
            "Whether Max-Forwards, counted down if it has been, is less than the given value. \
             Also false, with code -2, if the request came without.",
            r#"if (is_maxfwd_lt("1")) exit;"#,
            is_less,
        )
    },
];

/// The limit unless `max_limit` says otherwise: what user agents start with (RFC 3261 §8.1.1.6).
const LIMIT_DEFAULT: u32 = 70;

/// The most that a request without Max-Forwards gets: no number of the header field is higher
/// (RFC 3261 §20.22).
const ADDED_MAX: u32 = 256;

/// What the module parameters say.
#[derive(Debug)]
struct Config {
    max_limit: u32,
}

/// Reads the module parameters.
fn configure(values: &[(&str, GlobalValue)]) -> Result<ModuleConfig, (usize, String)> {
    let mut config = Config { max_limit: LIMIT_DEFAULT };
    for (position, (_, value)) in values.iter().enumerate() {
        config.max_limit = match value {
            GlobalValue::Int(limit @ 1..=256) => u32::try_from(*limit).unwrap_or(LIMIT_DEFAULT),
            _ => return Err((position, "max_limit must be a number from 1 to 256".to_owned())),
        };
    }
    Ok(Arc::new(config))
}

/// `mf_process_maxfwd_header(max_value)`.
fn process<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let transit = &mut execution.transit;
    if transit.max_forwards_done {
        return TRUE;
    }
    if let Some(old) = transit.message.value(HeaderName::MaxForwards)
        && let Some(new) = one_less(old)
        && execution.program.has_defaults::<Config>()
        && transit.edits.overwrite_number(transit.message.offset_of(old), new)
    {
        transit.max_forwards_done = true;
        return TRUE;
    }
    process_any(execution, arguments)
}

/// As [`process`], for any number or none.
#[inline(never)]
fn process_any<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    match execution.transit.message.value(HeaderName::MaxForwards) {
        Some(old) => count_down(execution, old),
        None => add(execution, int(arguments, 0)),
    }
}

/// The number before one of two digits, if that has as many and is no more than 69.
#[inline]
fn one_less(digits: &[u8]) -> Option<[u8; 2]> {
    match *digits {
        [tens @ b'1'..=b'6', ones @ b'1'..=b'9'] => Some([tens, ones - 1]),
        [tens @ b'2'..=b'7', b'0'] => Some([tens - 1, b'9']),
        _ => None,
    }
}

/// Gives a request without Max-Forwards one.
fn add(execution: &mut Execution<'_>, hops: Option<i64>) -> ReturnCode {
    let hops = hops.and_then(|hops| u32::try_from(hops).ok());
    let Some(hops) = hops.filter(|hops| *hops <= ADDED_MAX) else { return FALSE };
    let mut digits = [0; 10];
    let line: &[&[u8]] = &[b"Max-Forwards: ", decimal(hops, &mut digits), b"\r\n"];
    let transit = &mut execution.transit;
    let at = transit.message.headers_end();
    transit.max_forwards_done = transit.edits.replace_parts(at, 0, line);
    if transit.max_forwards_done { 2 } else { FALSE }
}

/// Counts any number down.
fn count_down(execution: &mut Execution<'_>, old: &[u8]) -> ReturnCode {
    let new = match parse_max_forwards(old) {
        Err(_) => return -2,
        Ok(0) => return FALSE,
        Ok(hops) => counted_down(hops, execution.program),
    };
    let mut digits = [0; 10];
    let digits = decimal(new, &mut digits);
    let blanks = old.len().saturating_sub(digits.len());
    let parts: &[&[u8]] = &[&BLANKS[..blanks.min(BLANKS.len())], digits];
    let transit = &mut execution.transit;
    let at = transit.message.offset_of(old);
    transit.max_forwards_done = transit.edits.replace_parts(at, old.len(), parts);
    if transit.max_forwards_done { TRUE } else { -2 }
}

/// What is left of a number of hops when this one is counted: no more than `max_limit`.
fn counted_down(hops: u8, program: &Program) -> u32 {
    let limit = program.config::<Config>().map_or(LIMIT_DEFAULT, |config| config.max_limit);
    u32::from(hops.saturating_sub(1)).min(limit)
}

/// Blanks before a number that is shorter than the one it replaces, so that nothing behind it
/// moves.
const BLANKS: &[u8] = b"                ";

/// `is_maxfwd_lt(max_value)`.
fn is_less<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let transit = &execution.transit;
    let message = transit.message;
    let Ok(Some(hops)) = message.max_forwards() else { return -2 };
    // After `msg_apply_changes` the message itself has the lower number.
    let is_edited = transit.max_forwards_done
        && message
            .value(HeaderName::MaxForwards)
            .is_some_and(|value| transit.edits.removes(message.offset_of(value)));
    let hops = if is_edited { counted_down(hops, execution.program) } else { u32::from(hops) };
    let hops = i64::from(hops);
    if int(arguments, 0).is_some_and(|limit| hops < limit) { TRUE } else { FALSE }
}

/// The decimal digits of a number, at the end of `buffer`.
fn decimal(number: u32, buffer: &mut [u8; 10]) -> &[u8] {
    let mut start = buffer.len();
    let mut rest = number;
    loop {
        start -= 1;
        buffer[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 || start == 0 {
            return &buffer[start..];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modules::testing::over;

    /// What `mf_process_maxfwd_header("10")` says and makes of a request with these lines.
    fn processed(lines: &str) -> (ReturnCode, String) {
        let mut result = (0, String::new());
        over(&format!("OPTIONS sip:a@b SIP/2.0\n{lines}To: a\n\n"), |trial| {
            result.0 = trial.run("mf_process_maxfwd_header", &["10"]);
            assert_eq!(trial.execution.transit.max_forwards_done, result.0 > 0);
            let sent = trial.sent();
            let lines = sent.split("\r\n").filter(|line| line.starts_with("Max-Forwards"));
            result.1 = lines.collect();
            let again = trial.run("process_maxfwd", &["10"]);
            assert_eq!(again > 0, result.0 > 0);
            assert_eq!(trial.sent(), sent, "a second call changes nothing");
        });
        result
    }

    #[test]
    fn max_forwards_is_counted_down_in_its_place() {
        for (line, code, expected) in [
            ("Max-Forwards: 70\n", 1, "Max-Forwards: 69"),
            ("Max-Forwards: 10\n", 1, "Max-Forwards:  9"),
            ("Max-Forwards: 1\n", 1, "Max-Forwards: 0"),
            ("Max-Forwards: 0\n", -1, "Max-Forwards: 0"),
            ("Max-Forwards: 070\n", 1, "Max-Forwards:  69"),
            ("Max-Forwards: 256\n", -2, "Max-Forwards: 256"),
            ("Max-Forwards: x\n", -2, "Max-Forwards: x"),
            ("Max-Forwards: -1\n", -2, "Max-Forwards: -1"),
            ("Max-Forwards: 99999999999\n", -2, "Max-Forwards: 99999999999"),
            ("", 2, "Max-Forwards: 10"),
        ] {
            assert_eq!(processed(line), (code, expected.to_owned()), "{line:?}");
        }
    }

    #[test]
    fn each_number_is_counted_down_by_one_or_to_70() {
        for hops in 1..=255 {
            let (code, line) = processed(&format!("Max-Forwards: {hops}\n"));
            let width = hops.to_string().len();
            let left = (hops - 1).min(70);
            assert_eq!((code, line), (1, format!("Max-Forwards: {left:>width$}")));
        }
    }

    #[test]
    fn what_is_left_is_compared() {
        over("OPTIONS sip:a@b SIP/2.0\nMax-Forwards: 5\n\n", |trial| {
            assert_eq!(trial.run("is_maxfwd_lt", &["5"]), FALSE);
            assert_eq!(trial.run("mf_process_maxfwd_header", &["10"]), TRUE);
            assert_eq!(trial.run("is_maxfwd_lt", &["5"]), TRUE);
        });
        over("OPTIONS sip:a@b SIP/2.0\nTo: a\n\n", |trial| {
            assert_eq!(trial.run("is_maxfwd_lt", &["5"]), -2);
        });
    }

    #[test]
    fn limit_is_checked() {
        let config = |limit| configure(&[("max_limit", GlobalValue::Int(limit))]);
        assert!(config(32).is_ok());
        assert!(config(0).is_err() && config(257).is_err());
    }
}
