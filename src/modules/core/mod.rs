//! `core`: the language itself. `route`, `exit`, `if` and the like are not functions and are
//! not in here.

pub(super) mod branch;
mod flag;
pub(super) mod forward;
mod log;
pub(super) mod uri;
pub(super) mod via;

use super::table::{count, int, join, verdict};
use crate::script::{
    Argument, Execution, FunctionSpec, ModuleSpec, ParameterKind, ParameterSpec, ReturnCode,
    RouteKinds, TRUE,
};

/// The module.
pub(super) const MODULE: ModuleSpec = ModuleSpec {
    built_in: true,
    functions: &ALL_FUNCTIONS,
    missing: super::missing::CORE,
    ..ModuleSpec::new("core", "The language itself: URI rewriting, flags, forwarding, logging.")
};

/// A required string with variables.
const fn text(name: &'static str) -> ParameterSpec {
    ParameterSpec::required(name, ParameterKind::Text)
}

/// A function with the columns of the table below.
const fn function(
    (name, aliases): (&'static str, &'static [&'static str]),
    parameters: &'static [ParameterSpec],
    routes: RouteKinds,
    (doc, example): (&'static str, &'static str),
    run: crate::script::Function,
) -> FunctionSpec {
    FunctionSpec { name, aliases, parameters, routes, doc, example, run }
}

/// A host and its port.
const NEXT_HOP: &[ParameterSpec] = &[
    ParameterSpec::required("host", ParameterKind::Address),
    ParameterSpec::optional("port", ParameterKind::Port),
];

/// The tables of functions.
const TABLES: &[&[FunctionSpec]] = &[FUNCTIONS, via::FUNCTIONS];

/// All functions.
const ALL_FUNCTIONS: [FunctionSpec; count(TABLES)] = join(TABLES);

/// The functions of this file.
const FUNCTIONS: &[FunctionSpec] = &[
    function(
        ("append_branch", &["km_append_branch"]),
        &[],
        RouteKinds::NOT_REPLY,
        (
            "Moves the present Request-URI with `$du`, path, socket and branch flags to a new \
             branch of the destination set; the Request-URI itself stays and can be \
             changed.\n\nFalse if the set has `max_branches` branches already.",
            "append_branch();",
        ),
        branch::append_current,
    ),
    function(
        ("append_branch", &["km_append_branch"]),
        &[text("uri"), ParameterSpec::optional("q", ParameterKind::Text)],
        RouteKinds::NOT_REPLY,
        (
            "Adds a URI to the destination set, with a preference `q` from 0 to 1 if one is \
             given, and with the `$du`, path, socket and branch flags of the Request-URI.\n\n\
             False if the URI is malformed or the set has `max_branches` branches already.",
            "append_branch(\"sip:alice@gateway.example.com\", \"0.5\");",
        ),
        branch::append,
    ),
    function(
        ("clear_branches", &[]),
        &[],
        RouteKinds::NOT_REPLY,
        ("Removes all URIs but the Request-URI from the destination set.", "clear_branches();"),
        branch::clear,
    ),
    function(
        ("remove_branch", &[]),
        &[ParameterSpec::required("index", ParameterKind::Int)],
        RouteKinds::NOT_REPLY,
        (
            "Removes a branch from the destination set: 0 is the first, -1 the last.\n\nFalse if \
             there is none at that place.",
            "remove_branch(0);",
        ),
        branch::remove,
    ),
    function(
        ("setflag", &["setflags"]),
        &[ParameterSpec::required("flag", ParameterKind::Flag)],
        RouteKinds::ANY,
        ("Sets a flag of the message, by its number (0 to 31) or declared name.", "setflag(1);"),
        flag::set,
    ),
    function(
        ("resetflag", &["resetflags"]),
        &[ParameterSpec::required("flag", ParameterKind::Flag)],
        RouteKinds::ANY,
        ("Clears a flag of the message.", "resetflag(1);"),
        flag::reset,
    ),
    function(
        ("isflagset", &[]),
        &[ParameterSpec::required("flag", ParameterKind::Flag)],
        RouteKinds::ANY,
        ("Whether a flag of the message is set.", "if (isflagset(1)) exit;"),
        flag::is_set,
    ),
    function(
        ("setbflag", &[]),
        &[
            ParameterSpec::required("flag", ParameterKind::Flag),
            ParameterSpec::optional("branch", ParameterKind::Int),
        ],
        RouteKinds::ANY,
        (
            "Sets a flag of a branch: 0, or none given, is that of the Request-URI, 1 the first \
             one appended.\n\nFalse if there is no such branch.",
            "setbflag(6);",
        ),
        flag::set_branch,
    ),
    function(
        ("resetbflag", &[]),
        &[
            ParameterSpec::required("flag", ParameterKind::Flag),
            ParameterSpec::optional("branch", ParameterKind::Int),
        ],
        RouteKinds::ANY,
        ("Clears a flag of a branch, by its number.", "resetbflag(6);"),
        flag::reset_branch,
    ),
    function(
        ("isbflagset", &[]),
        &[
            ParameterSpec::required("flag", ParameterKind::Flag),
            ParameterSpec::optional("branch", ParameterKind::Int),
        ],
        RouteKinds::ANY,
        ("Whether a flag of a branch is set.", "if (isbflagset(6)) exit;"),
        flag::is_branch_set,
    ),
    function(
        ("forward", &[]),
        &[],
        RouteKinds::NOT_REPLY,
        (
            "Forwards the request statelessly to `$du` or else to the host and port of the \
             Request-URI (RFC 3261 §16.6), by the transport that the URI says.\n\nThe script \
             goes on. False if it cannot be \
             forwarded; `sl_reply_error()` then answers with the reason.",
            "if (!forward()) sl_reply_error();",
        ),
        forward::routed,
    ),
    function(
        ("forward", &[]),
        NEXT_HOP,
        RouteKinds::NOT_REPLY,
        (
            "Forwards the request statelessly to a host, whatever the Request-URI says; it is \
             sent as it is.\n\n`uri:host` and `uri:port` stand for those of the Request-URI, or of \
             `$du` if it is set, which then says the transport, too. Otherwise it is UDP, or what \
             stands before the host (`tcp:192.0.2.7`); a `sips:` Request-URI goes by TLS. Without \
             a port, or with 0, the SRV records of a name are asked for (RFC 3263 §4.2), and the \
             default port is meant where there are none.",
            "forward(192.0.2.7, 5060);",
        ),
        forward::fixed,
    ),
    function(
        ("send", &[]),
        NEXT_HOP,
        RouteKinds::ANY,
        (
            "Sends the message to a host as it came: without a Via of ours and without the \
             changes that the script has made.\n\nFalse if that is this server.",
            "send(192.0.2.7, 5060);",
        ),
        forward::as_it_came,
    ),
    function(
        ("error", &[]),
        &[
            ParameterSpec::required("text", ParameterKind::Literal),
            ParameterSpec::required("reason", ParameterKind::Literal),
        ],
        RouteKinds::ANY,
        (
            "Writes both texts to the log at level L_NOTICE, and nothing more: that is all that \
             SER has ever done.",
            "error(\"no route\", \"nobody is there\");",
        ),
        log::notice,
    ),
    function(
        ("forward_udp", &[]),
        &[],
        RouteKinds::NOT_REPLY,
        ("As `forward()`, by UDP whatever the URI says.", "forward_udp();"),
        forward::routed_udp,
    ),
    function(
        ("forward_udp", &[]),
        NEXT_HOP,
        RouteKinds::NOT_REPLY,
        ("As `forward(host, port)`, by UDP.", "forward_udp(192.0.2.7, 5060);"),
        forward::udp,
    ),
    function(
        ("forward_tcp", &[]),
        &[],
        RouteKinds::NOT_REPLY,
        ("As `forward()`, by TCP whatever the URI says.", "forward_tcp();"),
        forward::routed_tcp,
    ),
    function(
        ("forward_tcp", &[]),
        NEXT_HOP,
        RouteKinds::NOT_REPLY,
        ("As `forward(host, port)`, by TCP.", "forward_tcp(192.0.2.7, 5060);"),
        forward::tcp,
    ),
    function(
        ("forward_tls", &[]),
        &[],
        RouteKinds::NOT_REPLY,
        ("As `forward()`, by TLS whatever the URI says.", "forward_tls();"),
        forward::routed_tls,
    ),
    function(
        ("forward_tls", &[]),
        NEXT_HOP,
        RouteKinds::NOT_REPLY,
        ("As `forward(host, port)`, by TLS.", "forward_tls(192.0.2.7, 5061);"),
        forward::tls,
    ),
    function(
        ("force_tcp_alias", &["add_tcp_alias"]),
        &[ParameterSpec::optional("port", ParameterKind::Int)],
        RouteKinds::ANY,
        (
            "About the connection that a message came by: changes nothing, as requests to the \
             address and port that it came from always go by it.",
            "force_tcp_alias();",
        ),
        |_, _| TRUE,
    ),
    function(
        ("len_gt", &[]),
        &[ParameterSpec::required("bytes", ParameterKind::Int)],
        RouteKinds::ANY,
        (
            "Whether the message is longer than that; `max_len` stands for 4096.",
            "if (len_gt(max_len)) exit;",
        ),
        is_longer,
    ),
    function(
        ("force_rport", &["add_rport"]),
        &[],
        RouteKinds::REQUEST,
        (
            "Answers go to the port that the request came from, though the sender did not ask \
             for it (RFC 3581).",
            "force_rport();",
        ),
        forward::force_rport,
    ),
    function(
        ("force_send_socket", &[]),
        &[ParameterSpec::required("address", ParameterKind::Address)],
        RouteKinds::NOT_REPLY,
        (
            "The request leaves from this listen address, written `udp:192.0.2.1:5060` or \
             without the transport.\n\nIf the next hop asks for another transport, it leaves from \
             the listen address of that transport at the same IP address, if there is one. False \
             if it is no listen address.",
            "force_send_socket(192.0.2.1:5060);",
        ),
        forward::force_send_socket,
    ),
    function(
        ("setdsturi", &[]),
        &[text("uri")],
        RouteKinds::NOT_REPLY,
        (
            "Sets the destination URI (`$du`): where the request goes whatever the Request-URI \
             says.",
            "setdsturi(\"sip:192.0.2.7:5060\");",
        ),
        forward::set_destination,
    ),
    function(
        ("resetdsturi", &[]),
        &[],
        RouteKinds::NOT_REPLY,
        ("Clears the destination URI (`$du`).", "resetdsturi();"),
        forward::reset_destination,
    ),
    function(
        ("isdsturiset", &[]),
        &[],
        RouteKinds::NOT_REPLY,
        ("Whether there is a destination URI (`$du`).", "if (isdsturiset()) forward();"),
        forward::is_destination_set,
    ),
    function(
        ("log", &[]),
        &[ParameterSpec::required("text", ParameterKind::Literal)],
        RouteKinds::ANY,
        ("Writes a text, as it is, to the log at level L_ERR.", "log(\"a request\\n\");"),
        log::error,
    ),
    function(
        ("log", &[]),
        &[
            ParameterSpec::required("level", ParameterKind::LogLevel),
            ParameterSpec::required("text", ParameterKind::Literal),
        ],
        RouteKinds::ANY,
        (
            "Writes a text, as it is, to the log if `debug` is at least the level.",
            "log(L_ERR, \"a request\\n\");",
        ),
        log::at_level,
    ),
    function(
        ("rewritehost", &["sethost", "seth"]),
        &[text("host")],
        RouteKinds::NOT_REPLY,
        (
            "Replaces the host of the Request-URI; all else stays. A `tel:` URI becomes the `sip:` \
             URI of that number at the host (RFC 3261 §19.1.6).",
            "rewritehost(\"gateway.example.com\");",
        ),
        uri::rewrite_host,
    ),
    function(
        ("rewritehostport", &["sethostport", "sethp"]),
        &[text("hostport")],
        RouteKinds::NOT_REPLY,
        (
            "Replaces host and port of the Request-URI; without a port there, it has none.",
            "rewritehostport(\"192.0.2.7:5080\");",
        ),
        uri::rewrite_host_port,
    ),
    function(
        ("rewritehostporttrans", &["sethostporttrans", "sethpt"]),
        &[text("hostporttrans")],
        RouteKinds::NOT_REPLY,
        (
            "Replaces host, port and transport parameter of the Request-URI.",
            "rewritehostporttrans(\"192.0.2.7:5080;transport=udp\");",
        ),
        uri::rewrite_host_port_transport,
    ),
    function(
        ("rewriteport", &["setport", "setp"]),
        &[text("port")],
        RouteKinds::NOT_REPLY,
        ("Replaces the port of the Request-URI.", "rewriteport(\"5080\");"),
        uri::rewrite_port,
    ),
    function(
        ("rewriteuser", &["setuser", "setu"]),
        &[text("user")],
        RouteKinds::NOT_REPLY,
        (
            "Replaces the user of the Request-URI; a password goes with the old one.",
            "rewriteuser(\"alice\");",
        ),
        uri::rewrite_user,
    ),
    function(
        ("rewriteuserpass", &["setuserpass", "setup"]),
        &[text("userpass")],
        RouteKinds::NOT_REPLY,
        ("Replaces user and password of the Request-URI.", "rewriteuserpass(\"alice:secret\");"),
        uri::rewrite_user_password,
    ),
    function(
        ("rewriteuri", &["seturi"]),
        &[text("uri")],
        RouteKinds::NOT_REPLY,
        ("Replaces the Request-URI.", "rewriteuri(\"sip:alice@example.com\");"),
        uri::rewrite_uri,
    ),
    function(
        ("revert_uri", &[]),
        &[],
        RouteKinds::NOT_REPLY,
        ("Makes the Request-URI again what it was when the request came.", "revert_uri();"),
        uri::revert,
    ),
    function(
        ("prefix", &[]),
        &[text("prefix")],
        RouteKinds::NOT_REPLY,
        (
            "Puts a text in front of the user of the Request-URI; one without a user gets one.",
            "prefix(\"00\");",
        ),
        uri::prefix,
    ),
    function(
        ("strip", &[]),
        &[ParameterSpec::required("count", ParameterKind::Int)],
        RouteKinds::NOT_REPLY,
        (
            "Takes bytes off the front of the user of the Request-URI; all if it has no more.",
            "strip(1);",
        ),
        uri::strip,
    ),
    function(
        ("strip_tail", &[]),
        &[ParameterSpec::required("count", ParameterKind::Int)],
        RouteKinds::NOT_REPLY,
        (
            "Takes bytes off the end of the user of the Request-URI; all if it has no more.",
            "strip_tail(2);",
        ),
        uri::strip_tail,
    ),
    function(
        ("userphone", &[]),
        &[],
        RouteKinds::NOT_REPLY,
        (
            "Adds `user=phone` to the Request-URI, if it is not there and that is no `tel:` URI.",
            "userphone();",
        ),
        uri::user_phone,
    ),
];

/// `len_gt(bytes)`.
fn is_longer<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let length = i64::try_from(execution.transit.message.end()).unwrap_or(i64::MAX);
    verdict(int(arguments, 0).is_some_and(|limit| length > limit))
}
