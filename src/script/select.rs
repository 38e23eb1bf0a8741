//! Selects of SER 2, `@from.uri.user` or `$sel(from.uri.user)`: each is a pseudo-variable with
//! transformations under another name.

/// The pseudo-variable that a select is; `None` if there is no such select here.
pub(super) fn translate(select: &[u8]) -> Option<Vec<u8>> {
    let select = std::str::from_utf8(select).ok()?;
    let parts = split(select)?;
    let (root, rest) = parts.split_first()?;
    if let ([], None) | ([_], None) = (rest, root.argument)
        && let Some((_, variable)) = PLAIN.iter().find(|(name, _)| *name == select)
    {
        return Some(variable.as_bytes().to_vec());
    }
    if let Some(variable) = of_via(*root, rest) {
        return Some(variable.into_bytes());
    }
    let (base, transforms) = match root.name {
        "ruri" => ("ru".to_owned(), of_uri(rest)?),
        "dst_uri" => ("du".to_owned(), of_uri(rest)?),
        "next_hop" => ("nhu".to_owned(), of_uri(rest)?),
        "msg" | "hf_value" => {
            let (header, rest) = match (root.argument, rest) {
                (Some(_), rest) => (*root, rest),
                (None, [header, rest @ ..]) => (*header, rest),
                (None, []) => return None,
            };
            let (name, index) = match root.argument {
                Some(name) => (name, None),
                None => (header.name, header.argument),
            };
            let name = name.replace('_', "-");
            let variable = if root.name == "msg" { "hdr" } else { "hfl" };
            (format!("{variable}({name}){}", place(index)?), of_address(rest)?)
        }
        name => {
            let (_, header) = HEADERS.iter().find(|(known, _)| *known == name)?;
            (format!("hfl({header}){}", place(root.argument)?), of_address(rest)?)
        }
    };
    Some(format!("$({base}{transforms})").into_bytes())
}

/// One step of a select: a name, and what stands in brackets behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part<'s> {
    name: &'s str,
    argument: Option<&'s str>,
}

/// The steps of a select; `None` if it is malformed or has anything in it that could mean more to
/// a pseudo-variable.
fn split(select: &str) -> Option<Vec<Part<'_>>> {
    let is_word = |text: &str| {
        !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-+%".contains(&byte))
    };
    let mut parts = Vec::new();
    let mut rest = select;
    loop {
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let (name, behind) = rest.split_at(end);
        let (argument, behind) = match behind.strip_prefix('[') {
            Some(inner) => {
                let (inner, behind) = inner.split_once(']')?;
                let bare = inner.trim_matches('"').trim_start_matches('%');
                if !is_word(&bare.replace('.', "")) {
                    return None;
                }
                (Some(bare), behind)
            }
            None => (None, behind),
        };
        if !is_word(name) {
            return None;
        }
        parts.push(Part { name, argument });
        if behind.is_empty() {
            return Some(parts);
        }
        rest = behind.strip_prefix('.')?;
    }
}

/// The index of a select, which counts from 1, as that of a pseudo-variable, which does from 0.
fn place(index: Option<&str>) -> Option<String> {
    let Some(index) = index else { return Some(String::new()) };
    let index: i32 = index.parse().ok()?;
    Some(format!("[{}]", if index > 0 { index - 1 } else { index }))
}

/// The pseudo-variable that a part of a Via is which no transformation finds.
fn of_via(root: Part<'_>, rest: &[Part<'_>]) -> Option<String> {
    let (Part { name: "v" | "via", argument }, [Part { name, argument: None }]) = (root, rest)
    else {
        return None;
    };
    let variable = match argument {
        None | Some("0" | "1") => "via0",
        Some("2") => "via1",
        Some("-1") => "viaZ",
        Some(_) => return None,
    };
    let part = match *name {
        "host" | "port" => *name,
        "transport" => "proto",
        _ => return None,
    };
    Some(format!("$({variable}({part}))"))
}

/// The transformations that steps behind a URI are.
fn of_uri(parts: &[Part<'_>]) -> Option<String> {
    let transform = match parts {
        [] => return Some(String::new()),
        [Part { name: "params", argument: Some(name) }]
        | [Part { name: "params", argument: None }, Part { name, argument: None }] => {
            format!("{{uri.param,{name}}}")
        }
        [Part { name, argument: None }] => match *name {
            "host" | "params" | "port" | "user" => format!("{{uri.{name}}}"),
            "pwd" => "{uri.passwd}".to_owned(),
            "type" => "{uri.scheme}".to_owned(),
            _ => return None,
        },
        _ => return None,
    };
    Some(transform)
}

/// The transformations that steps behind an address, or another value with parameters, are.
fn of_address(parts: &[Part<'_>]) -> Option<String> {
    Some(match parts {
        [] => String::new(),
        [Part { name: "nameaddr", argument: None }, rest @ ..] => of_address(rest)?,
        [Part { name: "uri", argument: None }, rest @ ..] => {
            format!("{{nameaddr.uri}}{}", of_uri(rest)?)
        }
        [Part { name: "name", argument: None }] => "{nameaddr.name}{s.unquote}".to_owned(),
        [Part { name: "tag", argument: None }] => "{tobody.tag}".to_owned(),
        [Part { name: "params", argument: None }] => "{tobody.params}".to_owned(),
        [Part { name: "params" | "param" | "p", argument: Some(name) }]
        | [
            Part { name: "params" | "param" | "p", argument: None },
            Part { name, argument: None },
        ] => {
            format!("{{param.value,{name}}}")
        }
        [Part { name: "instance", argument: None }] => "{param.value,+sip.instance}".to_owned(),
        [Part { name, argument: None }] if PARAMETERS.contains(name) => {
            format!("{{param.value,{name}}}")
        }
        _ => return None,
    })
}

/// Selects that are a pseudo-variable.
const PLAIN: &[(&str, &str)] = &[
    ("method", "$rm"),
    ("msg", "$mb"),
    ("ruri", "$ru"),
    ("dst_uri", "$du"),
    ("next_hop", "$nhu"),
    ("cseq", "$csb"),
    ("cseq.num", "$cs"),
    ("cseq.method", "$rm"),
    ("call_id", "$ci"),
    ("callid", "$ci"),
    ("i", "$ci"),
    ("src.ip", "$si"),
    ("src.port", "$sp"),
    ("dst.ip", "$Ri"),
    ("dst.port", "$Rp"),
    ("received.ip", "$Ri"),
    ("received.port", "$Rp"),
    ("received.proto", "$proto"),
    ("sys.now", "$Ts"),
    ("sys.pid", "$pp"),
];

/// Selects that are a header field.
const HEADERS: &[(&str, &str)] = &[
    ("contact", "Contact"),
    ("event", "Event"),
    ("f", "From"),
    ("from", "From"),
    ("m", "Contact"),
    ("record_route", "Record-Route"),
    ("refer_to", "Refer-To"),
    ("route", "Route"),
    ("rpid", "Remote-Party-ID"),
    ("rr", "Record-Route"),
    ("t", "To"),
    ("to", "To"),
    ("v", "Via"),
    ("via", "Via"),
];

/// Parameters that a select names without `params`.
const PARAMETERS: &[&str] = &[
    "alias",
    "branch",
    "expires",
    "i",
    "id",
    "maddr",
    "method",
    "q",
    "received",
    "rport",
    "screen",
    "party",
    "privacy",
    "transport",
    "ttl",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selects_are_pseudo_variables() {
        for (select, expected) in [
            ("ruri", Some("$ru")),
            ("ruri.user", Some("$(ru{uri.user})")),
            ("to.tag", Some("$(hfl(To){tobody.tag})")),
            ("f.uri.params[x]", Some("$(hfl(From){nameaddr.uri}{uri.param,x})")),
            ("contact.q", Some("$(hfl(Contact){param.value,q})")),
            ("via[1].branch", Some("$(hfl(Via)[0]{param.value,branch})")),
            ("via[-1]", Some("$(hfl(Via)[-1])")),
            ("msg.p_asserted_identity", Some("$(hdr(p-asserted-identity))")),
            ("msg[\"X-Y\"]", Some("$(hdr(X-Y))")),
            ("hf_value.x_list[2].uri.host", Some("$(hfl(x-list)[1]{nameaddr.uri}{uri.host})")),
            ("cseq.num", Some("$cs")),
            ("contact.uri.params.maddr", Some("$(hfl(Contact){nameaddr.uri}{uri.param,maddr})")),
            ("rr.params.ftag", Some("$(hfl(Record-Route){param.value,ftag})")),
            ("tls.me.subj", None),
            ("via.host", Some("$(via0(host))")),
            ("via[0].host", Some("$(via0(host))")),
            ("via[1].port", Some("$(via0(port))")),
            ("v[2].transport", Some("$(via1(proto))")),
            ("via[-1].host", Some("$(viaZ(host))")),
            ("via[3].host", None),
            ("via[1].comment", None),
            ("msg[\"a)b\"]", None),
            ("ruri..user", None),
            ("from.uri.host[x]", None),
            ("via[99999999999]", None),
            ("", None),
            ("[", None),
        ] {
            let expected = expected.map(|text| text.as_bytes().to_vec());
            assert_eq!(translate(select.as_bytes()), expected, "{select}");
        }
    }
}
