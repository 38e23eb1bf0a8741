//! `siputils`: Questions about SIP messages.

mod charging;
mod contact;
mod question;
mod remote_party;

use std::sync::Arc;

use super::core::uri::{UriParts, assign_uri, is_safe};
use super::table::{
    accepted_number, accepted_text, avp_name, count, function, join, optional_text, required_text,
    text, text_setting, verdict, write,
};
use crate::script::ast::GlobalValue;
use crate::script::{
    Argument, Execution, FALSE, FunctionSpec, ModuleConfig, ModuleSpec, ParameterKind,
    ParameterSpec, ReturnCode, RouteKinds, SettingSpec, TRUE, Value, Variable,
};
use crate::sip::{HeaderName, Method, NameAddr, Scheme, Uri};

/// The module. OpenSER has these functions in `uri` and `options`.
pub(super) const MODULE: ModuleSpec = ModuleSpec {
    aliases: &["uri", "options"],
    functions: &FUNCTIONS,
    variables: charging::VARIABLES,
    settings: SETTINGS,
    configure: Some(configure),
    ..ModuleSpec::new("siputils", "Questions about SIP messages.")
};

/// The functions of the parts of the module.
const TABLES: &[&[FunctionSpec]] =
    &[OWN, question::FUNCTIONS, contact::FUNCTIONS, charging::FUNCTIONS, remote_party::FUNCTIONS];

/// All functions.
const FUNCTIONS: [FunctionSpec; count(TABLES)] = join(TABLES);

/// The functions of this file.
const OWN: &[FunctionSpec] = &[
    function(
        "is_request",
        &[],
        "Whether the message is a request.",
        "if (is_request()) exit;",
        |execution, _| verdict(execution.transit.message.method().is_some()),
    ),
    function(
        "is_reply",
        &[],
        "Whether the message is a response.",
        "if (is_reply()) exit;",
        |execution, _| verdict(execution.transit.message.status().is_some()),
    ),
    function(
        "has_totag",
        &[],
        "Whether the To header field has a tag: the message belongs to a dialog.",
        "if (has_totag()) exit;",
        has_totag,
    ),
    FunctionSpec {
        routes: RouteKinds::NOT_REPLY,
        ..function(
            "uri_param",
            &[required_text("param"), optional_text("value")],
            "Whether the Request-URI has that parameter, with that value or, if none is given, \
             without a value.",
            r#"if (uri_param("transport", "tcp")) exit;"#,
            uri_param,
        )
    },
    FunctionSpec {
        routes: RouteKinds::NOT_REPLY,
        ..function(
            "add_uri_param",
            &[required_text("param")],
            "Adds a parameter to the Request-URI.",
            r#"add_uri_param("nat=yes");"#,
            add_uri_param,
        )
    },
    FunctionSpec {
        routes: RouteKinds::NOT_REPLY,
        ..function(
            "get_uri_param",
            &[required_text("name"), RESULT],
            "Writes the value of a parameter of the Request-URI into a variable. False if it is \
             not there.",
            r#"if (get_uri_param("nat", "$var(nat)")) exit;"#,
            get_uri_param,
        )
    },
    function(
        "tel2sip",
        &[required_text("uri"), required_text("host"), RESULT],
        "Writes the `sip:` URI of a `tel:` URI into a variable (RFC 3261 §19.1.6). The code is 2, \
         and nothing is written, if it is no `tel:` URI.",
        r#"tel2sip("$ru", "example.com", "$ru");"#,
        tel2sip,
    ),
    function(
        "set_uri_user",
        &[URI, required_text("user")],
        "Changes the user part of the URI in a variable.",
        r#"set_uri_user("$var(uri)", "alice");"#,
        |execution, arguments| {
            let user = text(arguments, 1);
            change_uri(execution, arguments, |parts| parts.user = Some(user))
        },
    ),
    function(
        "set_uri_host",
        &[URI, required_text("host")],
        "Changes the host of the URI in a variable.",
        r#"set_uri_host("$var(uri)", "example.com");"#,
        |execution, arguments| {
            let host = text(arguments, 1);
            change_uri(execution, arguments, |parts| parts.host = host)
        },
    ),
    function(
        "is_e164",
        &[required_text("value")],
        "Whether the text is an E.164 number: a plus and 2 to 15 digits.",
        r#"if (is_e164("$fU")) exit;"#,
        |_, arguments| verdict(is_e164(text(arguments, 0))),
    ),
    function(
        "is_uri_user_e164",
        &[required_text("uri")],
        "Whether the user part of the URI is an E.164 number: a plus and 2 to 15 digits.",
        r#"if (is_uri_user_e164("$fu")) exit;"#,
        |_, arguments| {
            let uri = Uri::parse(text(arguments, 0)).ok();
            verdict(uri.and_then(|uri| uri.user).is_some_and(is_e164))
        },
    ),
    function(
        "is_tel_number",
        &[required_text("value")],
        "Whether the text is a telephone number: digits, and perhaps a plus before them.",
        r#"if (is_tel_number("$rU")) exit;"#,
        |_, arguments| {
            let value = text(arguments, 0);
            verdict(is_numeric(value.strip_prefix(b"+").unwrap_or(value)))
        },
    ),
    function(
        "is_numeric",
        &[required_text("value")],
        "Whether the text consists of decimal digits.",
        r#"if (is_numeric("$rU")) exit;"#,
        |_, arguments| verdict(is_numeric(text(arguments, 0))),
    ),
    function(
        "cmp_uri",
        &[required_text("uri1"), required_text("uri2")],
        "Whether two URIs are equivalent (RFC 3261 §19.1.4).",
        r#"if (cmp_uri("$ru", "sip:operator@example.com")) exit;"#,
        |_, arguments| verdict(with_two_uris(arguments, |left, right| left.eq_rfc3261(right))),
    ),
    function(
        "cmp_aor",
        &[required_text("uri1"), required_text("uri2")],
        "Whether two URIs name the same address-of-record: user, host and port are the same.",
        r#"if (cmp_aor("$ru", "$tu")) exit;"#,
        |_, arguments| {
            verdict(with_two_uris(arguments, |left, right| {
                let port = |uri: &Uri<'_>| uri.port.unwrap_or(5060);
                left.user == right.user
                    && left.host.eq_ignore_ascii_case(right.host)
                    && port(left) == port(right)
            }))
        },
    ),
    function(
        "is_gruu",
        &[optional_text("uri")],
        "Whether a URI, the Request-URI if none is given, is a GRUU (RFC 5627): 1 a public one, 2 \
         a temporary one.",
        "if (is_gruu()) exit;",
        is_gruu,
    ),
    function(
        "is_supported",
        &[required_text("option")],
        "Whether the option tag is listed in Supported.",
        r#"if (is_supported("outbound")) exit;"#,
        |execution, arguments| {
            let mut options = execution.transit.message.items(HeaderName::Supported);
            verdict(options.any(|option| option.eq_ignore_ascii_case(text(arguments, 0))))
        },
    ),
    function(
        "is_first_hop",
        &[],
        "Whether this is the first server behind the sender: a request has one Via; of a \
         response, the topmost Record-Route is ours.",
        "if (is_first_hop()) exit;",
        is_first_hop,
    ),
    FunctionSpec {
        routes: RouteKinds::REQUEST,
        ..function(
            "options_reply",
            &[],
            "Answers an OPTIONS request whose URI has no user part with 200 and what this server \
             can do (RFC 3261 §11.2). False for other requests.",
            "if (is_method(\"OPTIONS\") && uri == myself) options_reply();",
            options_reply,
        )
    },
];

/// A variable that a result is written into.
const RESULT: ParameterSpec = ParameterSpec::required("result", ParameterKind::Variable);

/// A variable that holds a URI, which is changed.
const URI: ParameterSpec = ParameterSpec::required("uri", ParameterKind::Variable);

/// Says of a parameter that its function is not there.
const NO_USE: &str = "Changes nothing: no function needs it.";

/// The module parameters. Those without `options_` are the ones of the module `options`.
const SETTINGS: &[SettingSpec] = &[
    text_setting("options_accept", "Accept in answers to OPTIONS; `*/*` if not set."),
    text_setting("options_accept_encoding", "Accept-Encoding in answers to OPTIONS."),
    text_setting(
        "options_accept_language",
        "Accept-Language in answers to OPTIONS; `en` if not set.",
    ),
    text_setting("options_support", "Supported in answers to OPTIONS."),
    text_setting("accept", "Like `options_accept`."),
    text_setting("accept_encoding", "Like `options_accept_encoding`."),
    text_setting("accept_language", "Like `options_accept_language`."),
    text_setting("support", "Like `options_support`."),
    accepted_number("ring_timeout", NO_USE),
    accepted_text("contact_flds_separator", NO_USE),
    text_setting("rpid_prefix", "What stands before the value in Remote-Party-ID."),
    text_setting(
        "rpid_suffix",
        "What stands behind it; `;party=calling;id-type=subscriber;screen=yes` if not set.",
    ),
    text_setting(
        "rpid_avp",
        "The attribute with the value, `$avp(name)`; `$avp(rpid)` if not set.",
    ),
    accepted_text("aaa_url", NO_USE),
    accepted_number("service_type", NO_USE),
];

/// What the module parameters say.
#[derive(Debug)]
struct Config {
    /// The header lines of an answer to OPTIONS.
    capabilities: Vec<u8>,
    rpid_avp: Box<[u8]>,
    rpid_prefix: Box<[u8]>,
    /// `None` if it is not set.
    rpid_suffix: Option<Box<[u8]>>,
}

/// Header lines of an answer to OPTIONS unless parameters say otherwise.
const CAPABILITIES: &[u8] =
    b"Accept: */*\r\nAccept-Encoding: \r\nAccept-Language: en\r\nSupported: \r\n";

/// Reads the module parameters.
fn configure(values: &[(&str, GlobalValue)]) -> Result<ModuleConfig, (usize, String)> {
    let mut capabilities = Vec::new();
    for (header, parameter, default) in [
        ("Accept", "options_accept", "*/*"),
        ("Accept-Encoding", "options_accept_encoding", ""),
        ("Accept-Language", "options_accept_language", "en"),
        ("Supported", "options_support", ""),
    ] {
        let mut value = default.as_bytes();
        for (position, (name, given)) in values.iter().enumerate() {
            let wanted = [parameter, &parameter["options_".len()..]].contains(name);
            if let (true, GlobalValue::Text(text)) = (wanted, given) {
                if text.iter().any(u8::is_ascii_control) {
                    return Err((position, format!("{parameter} cannot be a header value")));
                }
                value = text;
            }
        }
        capabilities.extend_from_slice(header.as_bytes());
        capabilities.extend_from_slice(b": ");
        capabilities.extend_from_slice(value);
        capabilities.extend_from_slice(b"\r\n");
    }
    let mut config = Config {
        capabilities,
        rpid_avp: (*b"rpid").into(),
        rpid_prefix: Box::default(),
        rpid_suffix: None,
    };
    for (position, (name, value)) in values.iter().enumerate() {
        let GlobalValue::Text(text) = value else { continue };
        match *name {
            "rpid_prefix" => config.rpid_prefix = text.as_slice().into(),
            "rpid_suffix" => config.rpid_suffix = Some(text.as_slice().into()),
            "rpid_avp" => {
                let fault = || (position, "rpid_avp must be `$avp(name)`".to_owned());
                config.rpid_avp = avp_name(value).ok_or_else(fault)?;
            }
            _ => {}
        }
    }
    Ok(Arc::new(config))
}

/// `has_totag()`.
fn has_totag<'m>(execution: &mut Execution<'m>, _: &[Argument<'m>]) -> ReturnCode {
    verdict(execution.transit.has_to_tag())
}

/// `uri_param(param[, value])`.
fn uri_param<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let Ok(uri) = Uri::parse(execution.transit.uri) else { return FALSE };
    let Some(param) = uri.params.get(text(arguments, 0)) else { return FALSE };
    verdict(param.value.unwrap_or_default().eq_ignore_ascii_case(text(arguments, 1)))
}

/// `add_uri_param(param)`.
fn add_uri_param<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let param = text(arguments, 0);
    let Some(uri) = execution.parse_uri(execution.transit.uri) else { return FALSE };
    let breaks = |byte: &u8| b"<>?;".contains(byte);
    if param.is_empty() || param.iter().any(breaks) {
        return FALSE;
    }
    let headers_length = uri.headers.map_or(0, |headers| headers.len() + 1);
    let end = uri.text.len().saturating_sub(headers_length);
    let (before, headers) = uri.text.split_at(end);
    let text = execution.build(&[before, b";", param, headers]);
    verdict(assign_uri(execution, text))
}

/// A URI without a parameter; `None` if it does not have it.
fn without_param<'m>(execution: &Execution<'m>, uri: &Uri<'m>, name: &[u8]) -> Option<&'m [u8]> {
    let param = uri.params.get(name)?;
    let at = param.text.as_ptr().addr().checked_sub(uri.text.as_ptr().addr())?;
    // The semicolon goes with it.
    let before = uri.text.get(..at.checked_sub(1)?)?;
    let behind = uri.text.get(at + param.text.len()..)?;
    Some(execution.build(&[before, behind]))
}

/// `get_uri_param(name, result)`.
fn get_uri_param<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let uri = execution.parse_uri(execution.transit.uri);
    let param = uri.and_then(|uri| uri.params.get(text(arguments, 0)));
    let value = param.map(|param| param.value.unwrap_or_default());
    verdict(value.is_some_and(|value| write(execution, arguments, 1, value)))
}

/// Changes the URI in the variable that is the first argument.
fn change_uri<'m>(
    execution: &mut Execution<'m>,
    arguments: &[Argument<'m>],
    change: impl FnOnce(&mut UriParts<'m>),
) -> ReturnCode {
    let Some(Argument::Variable(variable)) = arguments.first() else { return FALSE };
    let variable: &'m Variable = variable;
    let Value::Text(old) = variable.read(execution) else { return FALSE };
    let Ok(uri) = Uri::parse(old) else { return FALSE };
    let Some(mut parts) = UriParts::of(&uri).filter(|parts| parts.has_host) else { return FALSE };
    change(&mut parts);
    let new = parts.compose(execution);
    let sound = is_safe(new) && Uri::parse(new).is_ok();
    verdict(sound && write(execution, arguments, 0, new))
}

/// `tel2sip(uri, host, result)`.
fn tel2sip<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let (old, host) = (text(arguments, 0), text(arguments, 1));
    let Ok(uri) = Uri::parse(old) else { return FALSE };
    let Some(number) = uri.user.filter(|_| uri.scheme == Scheme::Tel) else { return 2 };
    let new = execution.build_with(old.len() + host.len() + 16, |out| {
        out.extend_from_slice(b"sip:");
        out.extend(number.iter().filter(|byte| !b"-.()".contains(byte)));
        out.extend(uri.params.text().iter().map(u8::to_ascii_lowercase));
        out.push(b'@');
        out.extend_from_slice(host);
        out.extend_from_slice(b";user=phone");
    });
    let sound = is_safe(new) && Uri::parse(new).is_ok();
    verdict(sound && write(execution, arguments, 2, new))
}

/// Whether `value` is a plus and 2 to 15 digits.
fn is_e164(value: &[u8]) -> bool {
    let digits = value.strip_prefix(b"+").unwrap_or_default();
    (2..=15).contains(&digits.len()) && is_numeric(digits)
}

/// Whether `value` consists of digits, one at least.
fn is_numeric(value: &[u8]) -> bool {
    !value.is_empty() && value.iter().all(u8::is_ascii_digit)
}

/// Whether the first two arguments are URIs of which `compare` says yes.
fn with_two_uris(
    arguments: &[Argument<'_>],
    compare: impl FnOnce(&Uri<'_>, &Uri<'_>) -> bool,
) -> bool {
    match (Uri::parse(text(arguments, 0)), Uri::parse(text(arguments, 1))) {
        (Ok(left), Ok(right)) => compare(&left, &right),
        _ => false,
    }
}

/// `is_gruu([uri])`.
fn is_gruu<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let uri = if arguments.is_empty() { execution.transit.uri } else { text(arguments, 0) };
    let Ok(uri) = Uri::parse(uri) else { return FALSE };
    match uri.params.get(b"gr") {
        Some(gr) if gr.value.is_some_and(|value| !value.is_empty()) => 1,
        Some(_) => 2,
        None => FALSE,
    }
}

/// `is_first_hop()`.
fn is_first_hop<'m>(execution: &mut Execution<'m>, _: &[Argument<'m>]) -> ReturnCode {
    let message = execution.transit.message;
    if message.method().is_some() {
        return verdict(message.items(HeaderName::Via).take(2).count() == 1);
    }
    let ours = |host: &[u8], port| execution.host.is_myself(host, port);
    let top = message.items(HeaderName::RecordRoute).next();
    let uri = top.and_then(|route| NameAddr::parse(route).ok()).map(|route| route.uri);
    let Some(Ok(uri)) = uri.map(Uri::parse) else { return FALSE };
    let source = *execution.transit.source;
    let looped = ours(execution.show_host(source.ip()), Some(source.port()));
    verdict(ours(uri.host, uri.port) && !looped)
}

/// `options_reply()`.
fn options_reply<'m>(execution: &mut Execution<'m>, _: &[Argument<'m>]) -> ReturnCode {
    let userless = Uri::parse(execution.transit.uri).is_ok_and(|uri| uri.user.is_none());
    if execution.transit.message.method() != Some(Method::Options) || !userless {
        return FALSE;
    }
    let config = execution.program.config::<Config>();
    let capabilities = config.map_or(CAPABILITIES, |config| &config.capabilities);
    match execution.host.reply(&mut execution.transit, 200, b"OK", capabilities) {
        Ok(()) => TRUE,
        Err(refusal) => execution.refuse(refusal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modules::testing::over;

    /// Checks calls over a request with that Request-URI.
    fn check(uri: &str, calls: &[(&str, &[&str], ReturnCode)]) {
        let lines = "Via: SIP/2.0/UDP a\nTo: <sip:a@b>;tag=1\nSupported: path, Timer\n";
        over(&format!("OPTIONS {uri} SIP/2.0\n{lines}\n"), |trial| {
            for (name, arguments, expected) in calls {
                assert_eq!(trial.run(name, arguments), *expected, "{name}{arguments:?} for {uri}");
            }
        });
    }

    #[test]
    fn questions_about_the_message_are_answered() {
        check(
            "sip:b",
            &[
                ("is_request", &[], TRUE),
                ("is_reply", &[], FALSE),
                ("has_totag", &[], TRUE),
                ("is_supported", &["timer"], TRUE),
                ("is_supported", &["100rel"], FALSE),
                ("is_first_hop", &[], TRUE),
            ],
        );
        over(
            "SIP/2.0 200 OK\nTo: <sip:a@b;tag=x>\nRecord-Route: <sip:192.0.2.1;lr>\n\n",
            |trial| {
                assert_eq!(trial.run("is_request", &[]), FALSE);
                assert_eq!(trial.run("is_reply", &[]), TRUE);
                assert_eq!(trial.run("has_totag", &[]), FALSE, "a tag of the URI is none");
                assert_eq!(trial.run("is_first_hop", &[]), TRUE);
            },
        );
        over("BYE sip:a@b SIP/2.0\nVia: SIP/2.0/UDP a, SIP/2.0/UDP b\n\n", |trial| {
            assert_eq!(trial.run("is_first_hop", &[]), FALSE);
            assert_eq!(trial.run("has_totag", &[]), FALSE);
        });
    }

    #[test]
    fn numbers_are_told_from_names() {
        check(
            "sip:b",
            &[
                ("is_e164", &["+41215509000"], TRUE),
                ("is_e164", &["41215509000"], FALSE),
                ("is_e164", &["+4"], FALSE),
                ("is_e164", &["+1234567890123456"], FALSE),
                ("is_uri_user_e164", &["sip:+4121@b"], TRUE),
                ("is_uri_user_e164", &["sip:b"], FALSE),
                ("is_tel_number", &["+1"], TRUE),
                ("is_tel_number", &["12"], TRUE),
                ("is_tel_number", &["+"], FALSE),
                ("is_tel_number", &["1-2"], FALSE),
                ("is_numeric", &["012"], TRUE),
                ("is_numeric", &["+12"], FALSE),
                ("is_numeric", &[""], FALSE),
            ],
        );
    }

    #[test]
    fn uris_are_compared_as_the_rfc_says() {
        check(
            "sip:b",
            &[
                ("cmp_uri", &["sip:a@B", "SIP:a@b"], TRUE),
                ("cmp_uri", &["sip:a@b", "sip:A@b"], FALSE),
                ("cmp_uri", &["sip:a@b", "sip:a@b:5060"], FALSE),
                ("cmp_uri", &["sip:a@b;x=1", "sip:a@b"], TRUE),
                ("cmp_uri", &["sip:a@b;x=1", "sip:a@b;x=2"], FALSE),
                ("cmp_uri", &["sip:a@b;transport=tcp", "sip:a@b"], FALSE),
                ("cmp_uri", &["sip:a@b?x=y", "sip:a@b"], FALSE),
                ("cmp_uri", &["sips:a@b", "sip:a@b"], FALSE),
                ("cmp_aor", &["sip:a@b;x=1", "sip:a@B:5060"], TRUE),
                ("cmp_aor", &["sip:a@b", "sip:c@b"], FALSE),
                ("cmp_aor", &["sip:a@b", "rubbish"], FALSE),
            ],
        );
    }

    #[test]
    fn uri_parameters_are_found_and_added() {
        check(
            "sip:a@b;lr;transport=TCP;gr?x=y",
            &[
                ("uri_param", &["lr"], TRUE),
                ("uri_param", &["transport"], FALSE),
                ("uri_param", &["transport", "tcp"], TRUE),
                ("uri_param", &["none"], FALSE),
                ("is_gruu", &[], 2),
                ("is_gruu", &["sip:a@b;gr=urn:x"], 1),
                ("is_gruu", &["sip:a@b"], FALSE),
            ],
        );
        over("OPTIONS sip:a@b;lr?x=y SIP/2.0\nTo: a\n\n", |trial| {
            assert_eq!(trial.run("add_uri_param", &["nat=yes"]), TRUE);
            assert_eq!(trial.execution.transit.uri, b"sip:a@b;lr;nat=yes?x=y");
            assert_eq!(trial.run("add_uri_param", &["a b"]), FALSE);
        });
    }

    #[test]
    fn options_to_this_server_are_answered() {
        over("OPTIONS sip:192.0.2.1 SIP/2.0\nTo: a\n\n", |trial| {
            assert_eq!(trial.run("options_reply", &[]), TRUE);
            let headers = String::from_utf8_lossy(CAPABILITIES).into_owned();
            assert_eq!(trial.replies(), [(200, "OK".to_owned(), headers)]);
        });
        check("sip:a@192.0.2.1", &[("options_reply", &[], FALSE)]);
        let defaults = configure(&[]).unwrap();
        let defaults = defaults.downcast_ref::<Config>().unwrap();
        assert_eq!(defaults.capabilities, CAPABILITIES);
        let accept = GlobalValue::Text(b"application/sdp".to_vec());
        let changed = configure(&[("accept", accept)]).unwrap();
        let changed = changed.downcast_ref::<Config>().unwrap();
        assert!(changed.capabilities.starts_with(b"Accept: application/sdp\r\n"));
        let broken = GlobalValue::Text(b"a\r\nb".to_vec());
        assert!(configure(&[("options_accept", broken)]).is_err());
    }
}
