//! `rr`: record routing (RFC 3261 §16.6 step 4) and loose routing (§16.4, §16.12).

use std::sync::Arc;

use super::item::take_off;
use super::table::{avp_name, int, text, text_setting, verdict};
use crate::protocol::Transport;
use crate::script::ast::GlobalValue;
use crate::script::{
    Argument, Execution, FALSE, FunctionSpec, Key, LogLevel, ModuleConfig, ModuleSpec,
    ParameterKind, ParameterSpec, PseudoVariable, Read, RecordRoute, ReturnCode, RouteKinds,
    SettingKind, SettingSpec, TRUE, Value,
};
use crate::sip::{Header, HeaderName, Items, NameAddr, Params, Scheme, Uri, plain_route_params};

/// The module.
pub(super) const MODULE: ModuleSpec = ModuleSpec {
    functions: FUNCTIONS,
    variables: VARIABLES,
    settings: SETTINGS,
    configure: Some(configure),
    knows_defaults: true,
    ..ModuleSpec::new("rr", "Record routing and loose routing.")
};

/// What its parameters say.
#[derive(Clone, Debug)]
struct RrConfig {
    full_lr: bool,
    from_tag: bool,
    double: bool,
    add_username: bool,
    /// The name of the AVP with the user instead of that of the Request-URI, as it is kept.
    custom_user_avp: Option<Box<[u8]>>,
}

impl RrConfig {
    /// What holds where the script says nothing.
    const DEFAULT: Self = Self {
        full_lr: RecordRoute::USUAL.full_lr,
        from_tag: RecordRoute::USUAL.from_tag,
        double: RecordRoute::USUAL.double,
        add_username: false,
        custom_user_avp: None,
    };
}

/// Its parameters.
const SETTINGS: &[SettingSpec] = &[
    flag("enable_full_lr", true, "Write `;lr=on` instead of `;lr`, for old peers. Default 0."),
    flag("append_fromtag", true, "Add the From tag as `;ftag=`. Default 1."),
    flag("enable_double_rr", true, "Two Record-Routes between two listeners. Default 1."),
    flag("add_username", true, "Put the user of the Request-URI into Record-Route. Default 0."),
    text_setting(
        "custom_user_avp",
        "An attribute, `$avp(name)`: with add_username, its value is the user in Record-Route if \
         it has one.",
    ),
    flag("enable_socket_mismatch_warning", false, "Changes nothing: there is no such warning."),
    flag("ignore_user", false, "Changes nothing: the user part of a Route is never looked at."),
    flag("sockname_mode", false, "Changes nothing: Record-Route names addresses."),
    flag(
        "ignore_sips",
        false,
        "Changes nothing: of a sips request, Record-Route names sips where it goes by TLS.",
    ),
    flag(
        "force_send_socket",
        false,
        "Changes nothing: the listener that the Route names is always used.",
    ),
];

/// A parameter that is 0 or 1.
const fn flag(name: &'static str, effective: bool, doc: &'static str) -> SettingSpec {
    SettingSpec { name, kind: SettingKind::Int, effective, doc }
}

/// Makes the configuration.
fn configure(values: &[(&str, GlobalValue)]) -> Result<ModuleConfig, (usize, String)> {
    let mut config = RrConfig::DEFAULT;
    for (position, (name, value)) in values.iter().enumerate() {
        let on = !matches!(value, GlobalValue::Int(0));
        match *name {
            "enable_full_lr" => config.full_lr = on,
            "append_fromtag" => config.from_tag = on,
            "enable_double_rr" => config.double = on,
            "add_username" => config.add_username = on,
            "custom_user_avp" => {
                let fault = || (position, "custom_user_avp must be `$avp(name)`".to_owned());
                config.custom_user_avp = Some(avp_name(value).ok_or_else(fault)?);
            }
            _ => {}
        }
    }
    Ok(Arc::new(config))
}

/// Its functions.
const FUNCTIONS: &[FunctionSpec] = &[
    FunctionSpec {
        name: "record_route",
        aliases: &[],
        parameters: &[ParameterSpec::optional("params", ParameterKind::Text)],
        routes: RouteKinds::NOT_REPLY,
        doc: "Keeps the server on the path of the dialog: the request leaves with our \
              Record-Route on top. False if it was called before for this request.",
        example: "record_route();",
        run: record_route,
    },
    FunctionSpec {
        name: "record_route_preset",
        aliases: &["record_route_advertised_address"],
        parameters: &[
            ParameterSpec::required("address", ParameterKind::Text),
            ParameterSpec::optional("ingress", ParameterKind::Text),
        ],
        routes: RouteKinds::NOT_REPLY,
        doc: "Like record_route(), with this host[:port] instead of the listener's. Where a second \
              one is given there are two Record-Routes: the first for the side that the request \
              leaves to, the second for the side that it came from; enable_double_rr must be on.",
        example: r#"record_route_preset("192.0.2.1:5060");"#,
        run: record_route_preset,
    },
    FunctionSpec {
        name: "add_rr_param",
        aliases: &[],
        parameters: &[ParameterSpec::required("params", ParameterKind::Text)],
        routes: RouteKinds::NOT_REPLY,
        doc: "Adds `;name=value` to our Record-Route; comes back as check_route_param() sees it.",
        example: r#"add_rr_param(";nat=yes");"#,
        run: add_rr_param,
    },
    FunctionSpec {
        name: "loose_route",
        aliases: &[],
        parameters: &[],
        routes: RouteKinds::REQUEST,
        doc: "Routes by the Route header field if there is one: takes our own Route off and \
              sets $du to the next one; without a next one the Request-URI decides. A strict \
              router before or behind us is served as RFC 3261 §16.4 and §16.6 step 6 demand. \
              False if there is no Route.",
        example: "if (loose_route()) { forward(); exit; }",
        run: loose_route,
    },
    FunctionSpec {
        name: "loose_route_mode",
        aliases: &[],
        parameters: &[ParameterSpec::required("mode", ParameterKind::Int)],
        routes: RouteKinds::REQUEST,
        doc: "With mode 0 like loose_route(); with 1 a strict router before us is not thought of: \
              the Request-URI stays, also if it is ours.",
        example: "if (loose_route_mode(1)) { forward(); exit; }",
        run: |execution, arguments| follow_route(execution, int(arguments, 0) != Some(1)),
    },
    FunctionSpec {
        name: "loose_route_preloaded",
        aliases: &[],
        parameters: &[],
        routes: RouteKinds::REQUEST,
        doc: "Like loose_route(), but true only if the request is outside a dialog, To having no \
              tag, and our Route was the only one: the client has put it there, and where the \
              request goes is still to be decided.",
        example: "if (loose_route_preloaded()) { lookup(\"location\"); }",
        run: loose_route_preloaded,
    },
    FunctionSpec {
        name: "rr_next_hop_route",
        aliases: &[],
        parameters: &[],
        routes: RouteKinds::REQUEST,
        doc: "Whether loose_route() has taken our Route off and found another one behind it, which \
              the request goes to.",
        example: "if (rr_next_hop_route()) { forward(); exit; }",
        run: |execution, _| verdict(has_left_own_route(execution) == Some(true)),
    },
    FunctionSpec {
        name: "check_route_param",
        aliases: &[],
        parameters: &[ParameterSpec::required("regex", ParameterKind::Regex)],
        routes: RouteKinds::NOT_REPLY,
        doc: "Whether the parameters of our Route, which loose_route() took off, match.",
        example: r#"if (check_route_param("nat=yes")) { setflag(6); }"#,
        run: check_route_param,
    },
    FunctionSpec {
        name: "remove_record_route",
        aliases: &[],
        parameters: &[],
        routes: RouteKinds::NOT_REPLY,
        doc: "Takes back what `record_route()` has asked for. False if it has not been called.",
        example: "remove_record_route();",
        run: remove_record_route,
    },
    FunctionSpec {
        name: "is_direction",
        aliases: &[],
        parameters: &[ParameterSpec::required("direction", ParameterKind::Literal)],
        routes: RouteKinds::NOT_REPLY,
        doc: "Whether the request goes \"downstream\", from the caller, or \"upstream\": told by \
              the `ftag` of our Route, so append_fromtag must be on. Call loose_route() first.",
        example: r#"if (is_direction("upstream")) { setflag(7); }"#,
        run: is_direction,
    },
];

/// `record_route([params])`.
fn record_route(execution: &mut Execution<'_>, arguments: &[Argument<'_>]) -> ReturnCode {
    let transit = &mut execution.transit;
    let is_usual = arguments.is_empty() && execution.program.has_defaults::<RrConfig>();
    if is_usual && transit.record_route.is_none() {
        transit.record_route = Some(const { &RecordRoute::USUAL });
        return TRUE;
    }
    record_route_with(execution, arguments)
}

/// As [`record_route`], with parameters, or as the module parameters say.
#[inline(never)]
fn record_route_with(execution: &mut Execution<'_>, arguments: &[Argument<'_>]) -> ReturnCode {
    if let Some(Argument::Text(params)) = arguments.first() {
        append_params(execution, params);
    }
    ask_record_route(execution, None)
}

/// `record_route_preset(address[, ingress])`.
fn record_route_preset(execution: &mut Execution<'_>, arguments: &[Argument<'_>]) -> ReturnCode {
    let Some(Argument::Text(address)) = arguments.first() else { return FALSE };
    let ingress = text(arguments, 1);
    if address.is_empty() || !is_harmless(address) || !is_harmless(ingress) {
        return FALSE;
    }
    let is_double = config(execution).double;
    if arguments.len() > 1 && !is_double {
        execution.complain("record_route_preset: two addresses need enable_double_rr");
        return FALSE;
    }
    let address = execution.build(&[address]);
    let ingress = Some(execution.build(&[ingress])).filter(|ingress| !ingress.is_empty());
    ask_record_route(execution, Some((address, ingress)))
}

/// What the parameters say.
fn config<'m>(execution: &Execution<'m>) -> &'m RrConfig {
    execution.program.config().unwrap_or(const { &RrConfig::DEFAULT })
}

/// Asks for a Record-Route, once; with these addresses instead of those of the listeners.
fn ask_record_route<'m>(
    execution: &mut Execution<'m>,
    preset: Option<(&'m [u8], Option<&'m [u8]>)>,
) -> ReturnCode {
    if execution.transit.record_route.is_some() {
        execution.host.log(LogLevel::Error, b"record_route: called before for this request\n");
        return FALSE;
    }
    let config = config(execution);
    let user = if config.add_username { own_user(execution, config) } else { b"" };
    let asked = RecordRoute {
        user,
        preset: preset.map(|(egress, _)| egress),
        preset_ingress: preset.and_then(|(_, ingress)| ingress),
        full_lr: config.full_lr,
        from_tag: config.from_tag,
        double: config.double,
    };
    execution.transit.record_route = Some(execution.transit.arena.alloc(asked));
    TRUE
}

/// The user for our Record-Route, with an at sign: what the script has put into the AVP that is
/// there for this, or the user of the Request-URI. Empty if there is none.
#[inline(never)]
fn own_user<'m>(execution: &Execution<'m>, config: &RrConfig) -> &'m [u8] {
    let custom = config.custom_user_avp.as_ref().map(|name| execution.avp(name, 0));
    let custom = execution.text(custom.unwrap_or(Value::Null));
    let is_user = |byte: &u8| is_harmless(&[*byte]) && !matches!(byte, b'@' | b'"');
    let user = if !custom.is_empty() && custom.iter().all(is_user) {
        Some(custom)
    } else {
        execution.uri_parts(execution.transit.uri).and_then(|uri| uri.user)
    };
    user.map_or(b"", |user| execution.build(&[user, b"@"]))
}

/// `add_rr_param(params)`.
fn add_rr_param(execution: &mut Execution<'_>, arguments: &[Argument<'_>]) -> ReturnCode {
    let Some(Argument::Text(params)) = arguments.first() else { return FALSE };
    append_params(execution, params)
}

/// Adds to the parameters of our Record-Route.
fn append_params(execution: &mut Execution<'_>, params: &[u8]) -> ReturnCode {
    if !is_harmless(params) {
        return FALSE;
    }
    let semicolon: &[u8] = if params.starts_with(b";") { b"" } else { b";" };
    let before = execution.transit.record_route_params;
    execution.transit.record_route_params = execution.build(&[before, semicolon, params]);
    TRUE
}

/// Whether a text can stand within angle brackets without ending them or the line.
fn is_harmless(text: &[u8]) -> bool {
    text.iter().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>'))
}

/// `loose_route()`.
fn loose_route(execution: &mut Execution<'_>, _: &[Argument<'_>]) -> ReturnCode {
    match execution.transit.message.value(HeaderName::Route) {
        None => FALSE,
        Some(route) if take_only_route_off(execution, route) => TRUE,
        Some(_) => follow_route(execution, true),
    }
}

/// Takes off the Route of a request as those within a dialog have it: one value, the Record-Route
/// that we wrote at the listener that the request came to. False, and nothing has changed, if it
/// is not just so.
fn take_only_route_off<'m>(execution: &mut Execution<'m>, route: &'m [u8]) -> bool {
    let message = execution.transit.message;
    let own = execution.host.sent_by(execution.transit.listener);
    let Some(params) = plain_route_params(route, own) else { return false };
    let Some(line) = message.line(HeaderName::Route) else { return false };
    let transit = &execution.transit;
    let is_other = message.is_repeated(HeaderName::Route)
        || transit.edits.removes(message.offset_of(route))
        || came_from_strict_router(execution);
    let transit = &mut execution.transit;
    if is_other || !transit.edits.remove(message.offset_of(line), line.len()) {
        return false;
    }
    transit.route_params = params;
    transit.destination = None;
    true
}

/// `loose_route_preloaded()`.
fn loose_route_preloaded(execution: &mut Execution<'_>, _: &[Argument<'_>]) -> ReturnCode {
    let is_followed = follow_route(execution, true) == TRUE;
    let is_outside = execution.transit.to_tag().is_none_or(<[u8]>::is_empty);
    verdict(is_followed && is_outside && has_left_own_route(execution) == Some(false))
}

/// Routes by the Route header field, perhaps with a thought of strict routers before us.
#[inline(never)]
fn follow_route(execution: &mut Execution<'_>, expects_strict: bool) -> ReturnCode {
    let Some(mut first) = first_route(execution) else { return FALSE };
    if expects_strict && came_from_strict_router(execution) {
        return undo_strict_router(execution);
    }
    if first.is_own(execution) {
        execution.transit.route_params = first.uri.params.text();
        first.take_off(execution);
        let mut next = first_route(execution);
        if let Some(half) = next.take_if(|half| first.is_doubled_by(half, execution)) {
            // The other half of a double Record-Route names the listener to leave from.
            leave_from(execution, &half);
            half.take_off(execution);
            next = first_route(execution);
        }
        let Some(next) = next else {
            execution.transit.destination = None;
            return TRUE;
        };
        first = next;
    }
    if first.uri.params.get(b"lr").is_some() {
        execution.transit.destination = Some(first.uri.text);
    } else {
        serve_strict_router(execution, &first);
    }
    TRUE
}

/// Whether there is another Route behind ours; `None` if ours has not been taken off.
fn has_left_own_route(execution: &Execution<'_>) -> Option<bool> {
    let mut routes = all_routes(execution);
    let first = routes.next().filter(|first| first.is_own(execution))?;
    if first.is_there(execution) {
        return None;
    }
    Some(match routes.next() {
        Some(half) if first.is_doubled_by(&half, execution) => routes.next().is_some(),
        next => next.is_some(),
    })
}

/// A Route value.
struct RouteItem<'m> {
    header: Header<'m>,
    item: &'m [u8],
    uri: Uri<'m>,
}

impl<'m> RouteItem<'m> {
    /// Whether it names this server.
    fn is_own(&self, execution: &Execution<'m>) -> bool {
        execution.host.is_myself(self.uri.host, self.uri.unusual_port())
    }

    /// Whether `half` is the second Record-Route of two that we wrote at once.
    fn is_doubled_by(&self, half: &Self, execution: &Execution<'m>) -> bool {
        let doubled = |route: &Self| route.uri.params.get(b"r2").is_some();
        doubled(self) && doubled(half) && half.is_own(execution)
    }

    /// Whether it has not been taken off.
    fn is_there(&self, execution: &Execution<'m>) -> bool {
        let transit = &execution.transit;
        !transit.edits.removes(transit.message.offset_of(self.item))
    }

    /// Takes it off: with its line if it is the last value there.
    fn take_off(&self, execution: &mut Execution<'m>) {
        take_off(&mut execution.transit, self.header, self.item);
    }
}

/// All Route values that are still there.
fn routes<'m>(execution: &Execution<'m>) -> impl Iterator<Item = RouteItem<'m>> {
    all_routes(execution).filter(|route| route.is_there(execution))
}

/// All Route values that arrived.
fn all_routes<'m>(execution: &Execution<'m>) -> impl Iterator<Item = RouteItem<'m>> {
    let message = execution.transit.message;
    message
        .headers(HeaderName::Route)
        .flat_map(|header| Items::new(header.value).map(move |item| (header, item)))
        .filter_map(|(header, item)| {
            let uri = Uri::parse(NameAddr::parse(item).ok()?.uri).ok()?;
            matches!(uri.scheme, Scheme::Sip | Scheme::Sips).then_some(RouteItem {
                header,
                item,
                uri,
            })
        })
}

/// The topmost Route value that is still there.
fn first_route<'m>(execution: &Execution<'m>) -> Option<RouteItem<'m>> {
    routes(execution).next()
}

/// Whether the Request-URI is one that we put into a Record-Route: the router before us is a
/// strict one (RFC 3261 §16.4).
#[inline]
fn came_from_strict_router(execution: &Execution<'_>) -> bool {
    let uri = execution.uri_parts(execution.transit.uri);
    uri.is_some_and(|uri| uri.user.is_none() && is_own_route(execution, uri))
}

/// Whether a URI is one that we put into a Record-Route.
#[inline(never)]
fn is_own_route(execution: &Execution<'_>, uri: &Uri<'_>) -> bool {
    uri.params.get(b"lr").is_some() && execution.host.is_myself(uri.host, uri.unusual_port())
}

/// The last Route value is the Request-URI that a strict router moved there (RFC 3261 §16.4).
fn undo_strict_router(execution: &mut Execution<'_>) -> ReturnCode {
    let Some(last) = routes(execution).last() else { return FALSE };
    let own = Uri::parse(execution.transit.uri).map(|uri| uri.params.text());
    execution.transit.route_params = own.unwrap_or_default();
    execution.transit.uri = last.uri.text;
    last.take_off(execution);
    let next = first_route(execution);
    match next {
        None => execution.transit.destination = None,
        Some(next) if next.uri.params.get(b"lr").is_some() => {
            execution.transit.destination = Some(next.uri.text);
        }
        Some(next) => serve_strict_router(execution, &next),
    }
    TRUE
}

/// The next router is a strict one: it becomes the Request-URI, which goes to the end of the
/// Route (RFC 3261 §16.6 step 6).
fn serve_strict_router<'m>(execution: &mut Execution<'m>, next: &RouteItem<'m>) {
    let message = execution.transit.message;
    if let Some(last) = message.headers(HeaderName::Route).last() {
        let end = message.offset_of(last.line) + last.line.len();
        let parts = [b"Route: <", execution.transit.uri, b">\r\n"];
        execution.transit.edits.replace_parts(end, 0, &parts);
    }
    execution.transit.uri = next.uri.text;
    execution.transit.destination = None;
    next.take_off(execution);
}

/// The request leaves by the listener that a Route of ours names.
fn leave_from(execution: &mut Execution<'_>, route: &RouteItem<'_>) {
    let uri = &route.uri;
    let transport = match (uri.scheme, uri.transport()) {
        (Scheme::Sips, _) => Some(Transport::Tls),
        (_, Some(name)) => Transport::of(name),
        (_, None) => Some(Transport::Udp),
    };
    let port = uri.port.unwrap_or_else(|| uri.default_port());
    if let Some(listener) = execution.host.find_listener(transport, uri.host, Some(port)) {
        execution.transit.send_listener = Some(listener);
    }
}

/// `check_route_param(regex)`.
fn check_route_param(execution: &mut Execution<'_>, arguments: &[Argument<'_>]) -> ReturnCode {
    let Some(Argument::Regex(regex)) = arguments.first() else { return FALSE };
    if regex.is_match(execution.transit.route_params) { TRUE } else { FALSE }
}

/// `is_direction(direction)`.
fn is_direction(execution: &mut Execution<'_>, arguments: &[Argument<'_>]) -> ReturnCode {
    let Some(Argument::Text(direction)) = arguments.first() else { return FALSE };
    let asked_upstream = direction.eq_ignore_ascii_case(b"upstream");
    if is_downstream(execution) == asked_upstream { FALSE } else { TRUE }
}

/// Whether the caller has sent the request.
fn is_downstream(execution: &Execution<'_>) -> bool {
    let params = Params::new(execution.transit.route_params);
    let ftag = params.get(b"ftag").and_then(|param| param.value);
    // Without an ftag it is taken for the first request, which comes from the caller.
    ftag.is_none() || ftag == execution.transit.from().and_then(|from| from.tag())
}

/// `remove_record_route()`.
fn remove_record_route(execution: &mut Execution<'_>, _: &[Argument<'_>]) -> ReturnCode {
    let is_asked = execution.transit.record_route.take().is_some();
    execution.transit.record_route_params = b"";
    if is_asked { TRUE } else { FALSE }
}

/// A variable of this module.
const fn variable(
    name: &'static str,
    keys: &'static [&'static str],
    doc: &'static str,
    read: Read,
) -> PseudoVariable {
    PseudoVariable { name, aliases: &[], keyed: !keys.is_empty(), keys, read, write: None, doc }
}

/// The variables. Those about the direction need the `ftag` of our Route, as `is_direction` does.
const VARIABLES: &[PseudoVariable] = &[
    variable(
        "fti",
        &[],
        "Tag in From as the first request of the dialog had it: after `loose_route()`, that of \
         the caller whoever has sent this one.",
        |execution, _, _| {
            let transit = &execution.transit;
            let caller = if is_downstream(execution) { transit.from() } else { transit.to() };
            Value::text_or_null(caller.and_then(|caller| caller.tag()))
        },
    ),
    variable(
        "tti",
        &[],
        "Tag in To as the first request of the dialog would have it: that of the callee.",
        |execution, _, _| {
            let transit = &execution.transit;
            let callee = if is_downstream(execution) { transit.to() } else { transit.from() };
            Value::text_or_null(callee.and_then(|callee| callee.tag()))
        },
    ),
    variable(
        "rdir",
        &["id", "name"],
        "Who has sent the request, after `loose_route()`: the `name` is `downstream` for the \
         caller, `upstream` for the callee; the `id` is 1 or 2.",
        |execution, key, _| match (key, is_downstream(execution)) {
            (Key::Name(b"id"), is_downstream) => Value::Int(if is_downstream { 1 } else { 2 }),
            (_, true) => Value::Text(b"downstream"),
            (_, false) => Value::Text(b"upstream"),
        },
    ),
    variable(
        "route_uri",
        &[],
        "URI of the first Route as it arrived; `$null` if there is none.",
        |execution, _, _| {
            let first = execution.transit.message.items(HeaderName::Route).next();
            let route = first.and_then(|first| NameAddr::parse(first).ok());
            Value::text_or_null(route.map(|route| route.uri))
        },
    ),
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::modules::testing::{Trial, over};
    use crate::script::Transit;

    /// What comes of a request with that Request-URI and those lines, some of which the script has
    /// removed: by `route`, twice.
    fn routed(
        (uri, lines, removed): (&str, &str, Option<&str>),
        route: fn(&mut Execution<'_>) -> ReturnCode,
    ) -> Vec<String> {
        let mut results = Vec::new();
        over(&format!("BYE {uri} SIP/2.0\n{lines}To: a\n\n"), |trial| {
            let transit = &mut trial.execution.transit;
            transit.destination = Some(b"sip:earlier");
            let text = String::from_utf8_lossy(transit.message.text()).into_owned();
            if let Some((removed, at)) = removed.and_then(|it| Some((it, text.find(it)?))) {
                transit.edits.remove(at, removed.len());
            }
            let mut step = |trial: &mut Trial<'_>| {
                let code = route(&mut trial.execution);
                let Transit { uri, destination, route_params, send_listener, .. } =
                    &trial.execution.transit;
                let show = |text: &[u8]| String::from_utf8_lossy(text).into_owned();
                let (uri, params) = (show(uri), show(route_params));
                let destination = destination.map(show);
                let decided = format!("{code} {uri} {destination:?} {params} {send_listener:?}");
                results.extend([decided, trial.sent()]);
            };
            step(trial);
            step(trial);
        });
        results
    }

    proptest! {
        #[test]
        fn the_only_route_is_taken_off_as_any_is(
            uri in select(
                &["sip:bob@203.0.113.9", "sip:192.0.2.1;lr", "sip:192.0.2.1", "tel:+1", "<"][..],
            ),
            routes in proptest::collection::vec(
                select(
                    &[
                        "Route: <sip:192.0.2.1;lr;ftag=1928301774>\n",
                        "Route: <sip:192.0.2.1;lr;ftag=1928301774>\n",
                        "Route: <sip:192.0.2.1;lr>, <sip:192.0.2.7;lr>\n",
                        "Route: <sip:192.0.2.1;r2=on;lr>, <sip:192.0.2.1;r2=on;lr>\n",
                        "Route: \"x\" <sip:192.0.2.1;lr>\n",
                        "Route: <sip:192.0.2.1>;x\n",
                        "Route: <sip:192.0.2.1:5060;lr>\n",
                        "Route: <sip:192.0.2.11;lr>\n",
                        "Route: <sip:192.0.2.1;lr\n",
                        "Route: <sip:192.0.2.7;lr>\n",
                        "Route: <sip:192.0.2.7>\n",
                        "Subject: x\n",
                    ][..],
                ),
                0..4,
            ),
            removed in select(&[None, None, Some("Subject"), Some("<sip:192.0.2.1;lr")][..]),
        ) {
            let request = (uri, &*routes.concat(), removed);
            let quick = routed(request, |execution| loose_route(execution, &[]));
            prop_assert_eq!(quick, routed(request, |execution| follow_route(execution, true)));
        }
    }

    // P13
    #[test]
    fn the_route_of_a_request_within_a_dialog_is_taken_off_at_once() {
        let lines = "Max-Forwards: 70\nRoute: <sip:192.0.2.1;lr;ftag=1>\n";
        over(&format!("BYE sip:bob@203.0.113.9 SIP/2.0\n{lines}To: a\n\n"), |trial| {
            let route = trial.execution.transit.message.value(HeaderName::Route).unwrap();
            assert!(take_only_route_off(&mut trial.execution, route));
            assert_eq!(trial.execution.transit.route_params, b";lr;ftag=1");
            assert!(!trial.sent().contains("Route"));
        });
    }
}
