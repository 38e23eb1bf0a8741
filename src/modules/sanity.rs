//! `sanity`: Checks of what the parser lets pass.
//!
//! A request gets here only if its first line, its mandatory header fields, `CSeq` and
//! Content-Length are sound. These checks look at the same and at more, by number, as Kamailio
//! numbers them; those that cannot fail any more are accepted.

use std::sync::Arc;

use super::table::{function, int};
use crate::script::ast::GlobalValue;
use crate::script::{
    Argument, Execution, FALSE, FunctionSpec, ModuleConfig, ModuleSpec, ParameterKind,
    ParameterSpec, ReturnCode, RouteKinds, SettingKind, SettingSpec, TRUE,
};
use crate::sip::{
    Contact, HeaderName, Items, Message, NameAddr, Scheme, StartLine, Uri, parse_delta_seconds,
};

/// The module.
pub(super) const MODULE: ModuleSpec = ModuleSpec {
    functions: FUNCTIONS,
    settings: SETTINGS,
    configure: Some(configure),
    ..ModuleSpec::new("sanity", "Checks of what the parser lets pass.")
};

/// The functions.
const FUNCTIONS: &[FunctionSpec] = &[CHECK, REPLY];

/// `sanity_reply`.
const REPLY: FunctionSpec = FunctionSpec {
    routes: RouteKinds::REQUEST,
    ..function(
        "sanity_reply",
        &[],
        "Answers a request with what `sanity_check` has found, where `noreply` keeps that from \
         answering. False if it has found nothing.",
        r#"if (!sanity_check()) { sanity_reply(); exit; }"#,
        sanity_reply,
    )
};

/// `sanity_check`.
const CHECK: FunctionSpec = FunctionSpec {
    routes: RouteKinds::REQUEST_AND_REPLY,
    ..function(
        "sanity_check",
        &[
            ParameterSpec::optional("msg_checks", ParameterKind::Int),
            ParameterSpec::optional("uri_checks", ParameterKind::Int),
        ],
        "Checks the message. A request that fails is answered, and the script ends unless \
         `autodrop` is 0: then the function is false.\n\nThe checks are a sum of: 1 SIP version, 2 \
         scheme of the Request-URI, 4 mandatory header fields, 32 method and 64 number in CSeq, \
         128 Content-Length, 256 Expires, 512 Proxy-Require, 1024 URIs, 2048 credentials, 4096 \
         repeated tags, 8192 credentials if they are for Digest, 16384 topmost Via; 8 and 16 \
         check nothing. URIs are a sum of: 1 Request-URI, 2 From, 4 To, 8 Contact.",
        r#"if (!sanity_check("17895", "7")) exit;"#,
        sanity_check,
    )
};

/// The module parameters.
const SETTINGS: &[SettingSpec] = &[
    SettingSpec {
        name: "default_checks",
        kind: SettingKind::Int,
        effective: true,
        doc: "The checks if the call names none; 3047 if not set.",
    },
    SettingSpec {
        name: "uri_checks",
        kind: SettingKind::Int,
        effective: true,
        doc: "The URIs to check if the call names none; 7 if not set.",
    },
    SettingSpec {
        name: "proxy_require",
        kind: SettingKind::Text,
        effective: true,
        doc: "Extensions that Proxy-Require may ask for, with commas between them.",
    },
    SettingSpec {
        name: "autodrop",
        kind: SettingKind::Int,
        effective: true,
        doc: "Whether the script ends when a check fails (1) or not (0).",
    },
    SettingSpec {
        name: "noreply",
        kind: SettingKind::Int,
        effective: true,
        doc: "Whether a request that fails is left unanswered (1).",
    },
];

/// What the module parameters say.
#[derive(Clone, Debug)]
struct Config {
    checks: i64,
    uris: i64,
    extensions: Vec<Vec<u8>>,
    drop: bool,
    reply: bool,
}

/// What holds without module parameters.
static DEFAULT: Config =
    Config { checks: 3_047, uris: 7, extensions: Vec::new(), drop: true, reply: true };

/// Reads the module parameters.
fn configure(values: &[(&str, GlobalValue)]) -> Result<ModuleConfig, (usize, String)> {
    let mut config = DEFAULT.clone();
    for (position, (name, value)) in values.iter().enumerate() {
        match (*name, value) {
            ("default_checks", GlobalValue::Int(checks)) => config.checks = *checks,
            ("uri_checks", GlobalValue::Int(uris)) => config.uris = *uris,
            ("autodrop", GlobalValue::Int(drop)) => config.drop = *drop != 0,
            ("noreply", GlobalValue::Int(noreply)) => config.reply = *noreply == 0,
            ("proxy_require", GlobalValue::Text(text)) => {
                let tokens = text.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
                config.extensions = tokens.map(<[u8]>::to_vec).collect();
            }
            _ => return Err((position, format!("{name} cannot have this value"))),
        }
    }
    Ok(Arc::new(config))
}

/// A reply: code and reason.
type Fault = (u16, &'static str);

/// What `sanity_check` has found in this run.
#[derive(Clone, Copy, Debug, Default)]
struct Found(Option<Fault>);

/// Whether the message, whose Request-URI is the given one by now, passes.
type Check = fn(&Message<'_>, &[u8]) -> bool;

/// `sanity_check([msg_checks[, uri_checks]])`.
fn sanity_check<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let config = execution.program.config::<Config>().unwrap_or(&DEFAULT);
    let checks = int(arguments, 0).unwrap_or(config.checks);
    let uris = int(arguments, 1).unwrap_or(config.uris);
    let message = execution.transit.message;
    let extension = unknown_extension(&message, config).filter(|_| checks & 512 != 0);
    let fault = match extension {
        Some(_) => Some((BAD_EXTENSION, "Bad Extension")),
        None => fault(&message, execution.transit.uri, checks, uris),
    };
    if let Some(found) = execution.state::<Found>() {
        found.0 = fault;
    }
    let Some(fault) = fault else { return TRUE };
    if config.reply && message.method().is_some() {
        answer(execution, config, fault);
    }
    if config.drop { 0 } else { FALSE }
}

/// `sanity_reply()`.
fn sanity_reply<'m>(execution: &mut Execution<'m>, _: &[Argument<'m>]) -> ReturnCode {
    let config = execution.program.config::<Config>().unwrap_or(&DEFAULT);
    match execution.peek_state::<Found>() {
        Some(Found(Some(fault))) if !config.reply => answer(execution, config, fault),
        _ => FALSE,
    }
}

/// Answers the request with a fault.
fn answer(execution: &mut Execution<'_>, config: &Config, (code, reason): Fault) -> ReturnCode {
    let extension = unknown_extension(&execution.transit.message, config);
    let headers = match extension.filter(|_| code == BAD_EXTENSION) {
        Some(extension) => execution.build(&[b"Unsupported: ", extension, b"\r\n"]),
        None => b"",
    };
    match execution.host.reply(&mut execution.transit, code, reason.as_bytes(), headers) {
        Ok(()) => TRUE,
        Err(refusal) => execution.refuse(refusal),
    }
}

/// The status that tells of an extension that is not supported (RFC 3261 §21.4.15).
const BAD_EXTENSION: u16 = 420;

/// The first option tag of Proxy-Require that is not among the known extensions (RFC 3261
/// §16.3 step 5).
fn unknown_extension<'d>(message: &Message<'d>, config: &Config) -> Option<&'d [u8]> {
    message
        .items(HeaderName::ProxyRequire)
        .find(|option| !config.extensions.iter().any(|known| known.eq_ignore_ascii_case(option)))
}

/// The first check that fails, as a reply.
fn fault(message: &Message<'_>, uri: &[u8], checks: i64, uris: i64) -> Option<Fault> {
    let table: [(i64, Check, Fault); 11] = [
        (1, has_version, (505, "Version Not Supported (R-URI)")),
        (2, has_scheme, (416, "Unsupported URI Scheme in Request URI")),
        (4, has_headers, (400, "Missing Required Header in Request")),
        (32, has_cseq_method, (400, "CSeq method does not match request method")),
        (64, |message, _| message.cseq().is_ok(), (400, "CSeq number is illegal")),
        (128, has_content_length, (400, "Content-Length mis-match")),
        (256, has_expires, (400, "Expires value is illegal")),
        (2_048, |message, _| has_credentials(message, true), (400, "Bad Credentials")),
        (8_192, |message, _| has_credentials(message, false), (400, "Bad Auth Header")),
        (4_096, has_single_tags, (400, "Multiple From or To tags")),
        (16_384, |message, _| message.top_via().is_ok(), (400, "Missing or malformed Via")),
    ];
    let failed = table.iter().find(|(bit, check, _)| checks & bit != 0 && !check(message, uri));
    failed.map(|(_, _, fault)| *fault).or_else(|| {
        (checks & 1_024 != 0).then(|| bad_uri(message, uri, uris)).flatten().map(|it| (400, it))
    })
}

/// Whether the first line names the version that all messages have by now.
fn has_version(message: &Message<'_>, _: &[u8]) -> bool {
    let line = message.bytes().get(..message.headers_start()).unwrap_or_default().trim_ascii();
    let version = b"SIP/2.0";
    message.method().is_none()
        || line
            .len()
            .checked_sub(version.len())
            .is_some_and(|at| line.get(at..).is_some_and(|end| end.eq_ignore_ascii_case(version)))
}

/// Whether all credentials are for Digest and have what they need (RFC 3261 §22.4); those of
/// other schemes are passed over unless `strict`.
fn has_credentials(message: &Message<'_>, strict: bool) -> bool {
    let headers = [HeaderName::Authorization, HeaderName::ProxyAuthorization];
    let values = headers.into_iter().flat_map(|name| message.headers(name));
    values.map(|header| header.value).all(|value| {
        let end = value.iter().position(u8::is_ascii_whitespace).unwrap_or(value.len());
        let (scheme, rest) = value.split_at(end);
        if !scheme.eq_ignore_ascii_case(b"digest") {
            return !strict;
        }
        NEEDED.iter().all(|needed| {
            Items::new(rest).any(|item| {
                let (name, value) = item.split_at(memchr::memchr(b'=', item).unwrap_or(item.len()));
                let is_filled = !matches!(value.trim_ascii(), b"" | b"=" | b"=\"\"");
                name.trim_ascii().eq_ignore_ascii_case(needed) && is_filled
            })
        })
    })
}

/// What credentials for Digest must have.
const NEEDED: [&[u8]; 5] = [b"username", b"realm", b"nonce", b"uri", b"response"];

/// Whether the scheme of the Request-URI is one that can be routed.
fn has_scheme(message: &Message<'_>, uri: &[u8]) -> bool {
    message.method().is_none()
        || Uri::parse(uri).is_ok_and(|uri| !matches!(uri.scheme, Scheme::Other))
}

/// Whether the header fields are there that RFC 3261 §8.1.1 demands.
fn has_headers(message: &Message<'_>, _: &[u8]) -> bool {
    use HeaderName::{CSeq, CallId, From, To, Via};
    [Via, From, To, CallId, CSeq].iter().all(|name| message.value(*name).is_some())
}

/// Whether CSeq names the method of the request (RFC 3261 §8.1.1.5).
fn has_cseq_method(message: &Message<'_>, _: &[u8]) -> bool {
    match message.start_line() {
        StartLine::Request { name, .. } => message.cseq().is_ok_and(|cseq| cseq.method == name),
        StartLine::Status { .. } => true,
    }
}

/// Whether Content-Length, if it is there, is the number of octets behind the blank line.
fn has_content_length(message: &Message<'_>, _: &[u8]) -> bool {
    message.value(HeaderName::ContentLength).is_none() || message.end() == message.bytes().len()
}

/// Whether Expires, if it is there, is a number.
fn has_expires(message: &Message<'_>, _: &[u8]) -> bool {
    message.value(HeaderName::Expires).is_none_or(|value| {
        !value.is_empty()
            && value.iter().all(u8::is_ascii_digit)
            && parse_delta_seconds(value).is_ok()
    })
}

/// Whether From and To have one tag at most.
fn has_single_tags(message: &Message<'_>, _: &[u8]) -> bool {
    [HeaderName::From, HeaderName::To].iter().all(|name| {
        let address = message.value(*name).and_then(|value| NameAddr::parse(value).ok());
        address.is_none_or(|address| {
            let tags = address.params.iter().filter(|it| it.name.eq_ignore_ascii_case(b"tag"));
            tags.count() <= 1
        })
    })
}

/// Which of the chosen URIs is malformed.
fn bad_uri(message: &Message<'_>, uri: &[u8], uris: i64) -> Option<&'static str> {
    let is_sound = |name| {
        let address = message.value(name).map(NameAddr::parse);
        address.is_none_or(|address| address.is_ok_and(|it| Uri::parse(it.uri).is_ok()))
    };
    let contacts_are_sound = || {
        message.items(HeaderName::Contact).all(|value| match Contact::parse(value) {
            Ok(Contact::Star) => true,
            Ok(Contact::Address { address, .. }) => Uri::parse(address.uri).is_ok(),
            Err(_) => false,
        })
    };
    if uris & 1 != 0 && message.method().is_some() && Uri::parse(uri).is_err() {
        return Some("Bad Request URI");
    }
    if uris & 2 != 0 && !is_sound(HeaderName::From) {
        return Some("Bad From URI");
    }
    if uris & 4 != 0 && !is_sound(HeaderName::To) {
        return Some("Bad To URI");
    }
    (uris & 8 != 0 && !contacts_are_sound()).then_some("Bad Contact URI")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modules::testing::over;

    /// The mandatory header fields.
    const HEADERS: &str = "Via: SIP/2.0/UDP a;branch=z9hG4bK1\nFrom: <sip:a@b>;tag=1\n\
        To: <sip:a@b>\nCall-ID: x\nCSeq: 1 OPTIONS\n";

    /// Credentials that have all they need.
    const DIGEST: &str = "Authorization: Digest username=\"a\", realm=\"b\", nonce=\"c\", \
        uri=\"sip:b\", response=\"0\"\n";

    /// The status that answers a request with all checks on.
    fn status(first_line: &str, headers: &str) -> Option<u16> {
        let mut status = None;
        over(&format!("{first_line}\n{headers}\n"), |trial| {
            let code = trial.run("sanity_check", &["32767", "15"]);
            assert_eq!(code, i32::from(trial.replies().is_empty()));
            status = trial.replies().first().map(|reply| reply.0);
        });
        status
    }

    #[test]
    fn faults_are_answered() {
        let request = "OPTIONS sip:a@b SIP/2.0";
        for (line, headers, expected) in [
            (request, HEADERS.to_owned(), None),
            ("OPTIONS foo:bar SIP/2.0", HEADERS.to_owned(), Some(416)),
            (request, HEADERS.replace("Call-ID", "X"), Some(400)),
            (request, HEADERS.replace("1 OPTIONS", "1 INFO"), Some(400)),
            (request, HEADERS.replace("1 OPTIONS", "x OPTIONS"), Some(400)),
            (request, format!("{HEADERS}Expires: 60\n"), None),
            (request, format!("{HEADERS}Expires: soon\n"), Some(400)),
            (request, format!("{HEADERS}Proxy-Require: foo\n"), Some(420)),
            (request, format!("{HEADERS}Contact: *\n"), None),
            (request, format!("{HEADERS}Contact: <sip:>\n"), Some(400)),
            (request, HEADERS.replace(";tag=1", ";tag=1;tag=2"), Some(400)),
            (request, HEADERS.replace("To: <sip:a@b>", "To: <:x>"), Some(400)),
            (request, format!("{HEADERS}{DIGEST}"), None),
            (request, format!("{HEADERS}{}", DIGEST.replace("nonce", "n")), Some(400)),
            (request, format!("{HEADERS}{}", DIGEST.replace("\"0\"", "\"\"")), Some(400)),
            (request, format!("{HEADERS}Authorization: Basic abc\n"), Some(400)),
            (request, format!("{HEADERS}Proxy-Authorization: Digest\n"), Some(400)),
        ] {
            assert_eq!(status(line, &headers), expected, "{line} {headers}");
        }
    }

    #[test]
    fn other_schemes_fail_only_where_digest_is_asked_for() {
        over(&format!("OPTIONS sip:a@b SIP/2.0\n{HEADERS}Authorization: Basic abc\n\n"), |trial| {
            assert_eq!(trial.run("sanity_check", &["8192"]), TRUE);
            assert_eq!(trial.run("sanity_check", &["2048"]), 0);
        });
    }

    #[test]
    fn parameters_are_checked() {
        let text = GlobalValue::Text(b"foo, bar".to_vec());
        let config = configure(&[("proxy_require", text.clone())]).unwrap();
        let config = config.downcast_ref::<Config>().unwrap();
        assert_eq!(config.extensions, [b"foo", b"bar"]);
        assert!(configure(&[("autodrop", text)]).is_err());
    }
}
