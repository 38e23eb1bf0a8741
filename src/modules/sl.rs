//! `sl`: stateless replies (RFC 3261 §8.2.7).

use super::table::{accepted_number, accepted_text};
use crate::script::{
    Argument, Execution, FALSE, FunctionSpec, Key, LogLevel, ModuleSpec, ParameterKind,
    ParameterSpec, PseudoVariable, Refusal, ReturnCode, RouteKinds, SettingSpec, TRUE, Value,
};
use crate::sip::{QValue, reason_phrase};

/// The module.
pub(super) const MODULE: ModuleSpec = ModuleSpec {
    functions: FUNCTIONS,
    variables: VARIABLES,
    settings: SETTINGS,
    missing: super::missing::SL,
    ..ModuleSpec::new("sl", "Stateless replies.")
};

/// Its parameters; none changes anything.
const SETTINGS: &[SettingSpec] = &[
    accepted_number(
        "default_code",
        "Changes nothing: a code that is no number is an error when the script is loaded.",
    ),
    accepted_text(
        "default_reason",
        "Changes nothing: a reply without a reason has the usual phrase of its code.",
    ),
    accepted_number("bind_tm", "Changes nothing: all replies are stateless."),
    accepted_number("enable_stats", "Changes nothing: replies are always counted."),
    accepted_text("event_callback_fl_ack", NO_EVENTS),
    accepted_text("event_callback_lres_sent", NO_EVENTS),
    accepted_number("rich_redirect", "Changes nothing: the Contacts of a 3xx always have their q."),
];

/// Says of a parameter that it names a function to be called.
const NO_EVENTS: &str = "Changes nothing: there are no event routes of replies.";

/// Its variables.
const VARIABLES: &[PseudoVariable] = &[PseudoVariable {
    name: "ltt",
    aliases: &[],
    keyed: true,
    keys: &["s", "x", "t"],
    read: |execution, key, _| match key {
        Key::Name(b"s" | b"x") => Value::text_or_null(execution.host.reply_tag(&execution.transit)),
        _ => Value::Null,
    },
    write: None,
    doc: "The tag of To in replies made here: `s` in stateless ones, `t` in those of a transaction \
          (`$null`, as there are none), `x` in those that there will be.",
}];

/// Its functions.
const FUNCTIONS: &[FunctionSpec] = &[
    FunctionSpec {
        name: "sl_send_reply",
        aliases: &["send_reply", "sl_reply"],
        parameters: &[
            ParameterSpec::required("code", ParameterKind::Int),
            ParameterSpec::optional("reason", ParameterKind::Text),
        ],
        routes: RouteKinds::NOT_REPLY,
        doc: "Answers the request without keeping state: a retransmission runs the script \
              again. A 3xx lists the destination set as Contacts with their q, the current \
              Request-URI first, each URI once. An ACK is never answered: false.",
        example: r#"sl_send_reply("404", "Not Found");"#,
        run: send_reply,
    },
    FunctionSpec {
        name: "send_reply_mode",
        aliases: &[],
        parameters: &[
            ParameterSpec::required("code", ParameterKind::Int),
            ParameterSpec::required("reason", ParameterKind::Text),
            ParameterSpec::required("mode", ParameterKind::Int),
        ],
        routes: RouteKinds::NOT_REPLY,
        doc: "Like `send_reply`. The mode says what a transaction has to do with it; there are \
              none, so that it changes nothing.",
        example: r#"send_reply_mode("404", "Not Found", "1");"#,
        run: |execution, arguments| send_reply(execution, arguments.get(..2).unwrap_or_default()),
    },
    FunctionSpec {
        name: "sl_reply_error",
        aliases: &["send_reply_error"],
        parameters: &[],
        routes: RouteKinds::NOT_REPLY,
        doc: "Answers the request with what went wrong last, such as a next hop that does not \
              resolve (478); 500 if nothing is known.",
        example: "if (!forward()) sl_reply_error();",
        run: reply_error,
    },
];

/// `sl_send_reply(code[, reason])`.
fn send_reply(execution: &mut Execution<'_>, arguments: &[Argument<'_>]) -> ReturnCode {
    let code = match arguments.first() {
        Some(Argument::Int(code)) => u16::try_from(*code).unwrap_or(0),
        _ => 0,
    };
    if !(100..700).contains(&code) {
        execution.host.log(LogLevel::Error, b"sl_send_reply: the code must be 100 to 699\n");
        return FALSE;
    }
    let reason = match arguments.get(1) {
        Some(Argument::Text(reason)) => *reason,
        _ => reason_phrase(code).as_bytes(),
    };
    let contacts = if (300..400).contains(&code) { contacts(execution) } else { &[] };
    reply(execution, code, reason, contacts)
}

/// `sl_reply_error()`.
fn reply_error(execution: &mut Execution<'_>, _: &[Argument<'_>]) -> ReturnCode {
    let (code, reason) = match execution.transit.refusal {
        Some(Refusal::Unresolvable) => (478, "Unresolvable destination (478/SL)"),
        Some(Refusal::BadUri) => (479, "Regretfully, the URI could not be processed (479/SL)"),
        Some(Refusal::Unreachable) => (500, "Server error occurred: no way to send (7/SL)"),
        Some(Refusal::Nobody) => {
            (477, "Unfortunately error on sending to next hop occurred (477/SL)")
        }
        Some(Refusal::TooLarge) => (513, "Message too big (513/SL)"),
        Some(Refusal::TooManyHops) => (483, "Too many hops (483/SL)"),
        None | Some(Refusal::ReplyToAck | Refusal::IsResponse) => {
            (500, "Server error occurred (1/SL)")
        }
    };
    reply(execution, code, reason.as_bytes(), &[])
}

/// Replies through the proxy.
fn reply(execution: &mut Execution<'_>, code: u16, reason: &[u8], headers: &[u8]) -> ReturnCode {
    match execution.host.reply(&mut execution.transit, code, reason, headers) {
        Ok(()) => TRUE,
        Err(refusal) => execution.refuse(refusal),
    }
}

/// The Contact lines of a 3xx: the destination set (RFC 3261 §8.1.3.4).
fn contacts<'m>(execution: &Execution<'m>) -> &'m [u8] {
    let transit = &execution.transit;
    let mut lines = bumpalo::collections::Vec::new_in(transit.arena);
    for (uri, q) in transit.alternatives() {
        for part in [b"Contact: <", uri, b">"] {
            lines.extend_from_slice(part);
        }
        if let Some(q) = q {
            let q = bumpalo::format!(in transit.arena, ";q={}", QValue(q));
            lines.extend_from_slice(q.as_bytes());
        }
        lines.extend_from_slice(b"\r\n");
    }
    lines.into_bump_slice()
}
