//! More questions: about texts, parameters of the Request-URI, credentials and the date.

use super::super::core::uri::assign_uri;
use super::super::pv::credential_user;
use super::super::table::{function, int, required_text, text, verdict};
use super::without_param;
use crate::script::{DateTime, FALSE, FunctionSpec, ParameterKind, ParameterSpec, RouteKinds};
use crate::sip::{HeaderName, Uri};

/// The functions.
pub(super) const FUNCTIONS: &[FunctionSpec] = &[
    FunctionSpec {
        routes: RouteKinds::NOT_REPLY,
        ..function(
            "is_user",
            &[required_text("user")],
            "Whether the credentials of the request name that user. They have not been checked.",
            r#"if (is_user("john")) exit;"#,
            |execution, arguments| verdict(credential_user(execution) == Some(text(arguments, 0))),
        )
    },
    FunctionSpec {
        routes: RouteKinds::NOT_REPLY,
        ..function(
            "uri_param_any",
            &[required_text("param")],
            "Whether the Request-URI has that parameter, with or without a value.",
            r#"if (uri_param_any("ob")) exit;"#,
            |execution, arguments| {
                let uri = Uri::parse(execution.transit.uri);
                verdict(uri.is_ok_and(|uri| uri.params.get(text(arguments, 0)).is_some()))
            },
        )
    },
    FunctionSpec {
        routes: RouteKinds::NOT_REPLY,
        ..function(
            "uri_param_rm",
            &[required_text("param")],
            "Removes a parameter from the Request-URI. False if it is not there.",
            r#"uri_param_rm("ob");"#,
            |execution, arguments| {
                let uri = Uri::parse(execution.transit.uri).ok();
                let new = uri.and_then(|uri| without_param(execution, &uri, text(arguments, 0)));
                verdict(new.is_some_and(|new| assign_uri(execution, new)))
            },
        )
    },
    function(
        "is_uri",
        &[required_text("value")],
        "Whether the text is a URI.",
        r#"if (is_uri("$var(x)")) exit;"#,
        |_, arguments| verdict(Uri::parse(text(arguments, 0)).is_ok()),
    ),
    function(
        "is_alphanum",
        &[required_text("value")],
        "Whether the text consists of letters and digits.",
        r#"if (is_alphanum("$rU")) exit;"#,
        |_, arguments| {
            let value = text(arguments, 0);
            verdict(!value.is_empty() && value.iter().all(u8::is_ascii_alphanumeric))
        },
    ),
    function(
        "is_alphanumex",
        &[required_text("value"), required_text("others")],
        "Whether the text consists of letters, digits and the given other characters.",
        r#"if (is_alphanumex("$rU", "+.-_")) exit;"#,
        |_, arguments| {
            let (value, others) = (text(arguments, 0), text(arguments, 1));
            let is_good = |byte: &u8| byte.is_ascii_alphanumeric() || others.contains(byte);
            verdict(!value.is_empty() && value.iter().all(is_good))
        },
    ),
    function(
        "cmp_hdr_name",
        &[required_text("name1"), required_text("name2")],
        "Whether two names mean the same header field, in any case, long or compact.",
        r#"if (cmp_hdr_name("$hfitname(i)", "From")) exit;"#,
        |_, arguments| {
            let (left, right) = (text(arguments, 0), text(arguments, 1));
            let name = HeaderName::parse(left);
            let is_known = name != HeaderName::Other && name == HeaderName::parse(right);
            verdict(is_known || left.eq_ignore_ascii_case(right))
        },
    ),
    function(
        "hdr_date_check",
        &[ParameterSpec::required("seconds", ParameterKind::Int)],
        "Whether there is a Date (RFC 3261 §20.17), and it is no more than that many seconds ago.",
        r#"if (!hdr_date_check("10")) exit;"#,
        |execution, arguments| {
            let value = execution.transit.message.value(HeaderName::Date);
            let date = value.and_then(DateTime::parse_date);
            let (Some(date), Some(age)) = (date, int(arguments, 0)) else { return FALSE };
            let now = execution.host.now().wall_seconds;
            let oldest = now.saturating_sub(u64::try_from(age).unwrap_or(0));
            verdict(date >= oldest)
        },
    ),
];
