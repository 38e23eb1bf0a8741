//! `pv`: Pseudo-variables.

mod address;
mod message;
mod network;
mod query;
mod store;
mod time;
mod uri;

use crate::script::{ModuleSpec, PseudoVariable, Read, Write};

/// The module. Its variables are there without `loadmodule`, as SER and OpenSER have them.
pub(super) const MODULE: ModuleSpec = ModuleSpec {
    built_in: true,
    functions: query::FUNCTIONS,
    variables: VARIABLES,
    missing: super::missing::PV,
    ..ModuleSpec::new("pv", "Pseudo-variables.")
};

/// A variable that can be read.
const fn var(
    name: &'static str,
    aliases: &'static [&'static str],
    doc: &'static str,
    read: Read,
) -> PseudoVariable {
    PseudoVariable { name, aliases, keyed: false, read, write: None, doc }
}

/// A variable with a name in parentheses.
const fn keyed(
    name: &'static str,
    aliases: &'static [&'static str],
    doc: &'static str,
    read: Read,
) -> PseudoVariable {
    PseudoVariable { name, aliases, keyed: true, read, write: None, doc }
}

/// The same variable, which can be written.
const fn writable(variable: PseudoVariable, write: Write) -> PseudoVariable {
    PseudoVariable { write: Some(write), ..variable }
}

/// The variables.
const VARIABLES: &[PseudoVariable] = &[
    var("af", &[], "Address family of the message: `INET` or `INET6`.", network::family),
    var("ai", &[], "URI in P-Asserted-Identity (RFC 3325).", address::asserted_uri),
    writable(
        keyed(
            "avp",
            &[],
            "An attribute: a list of values that starts empty with each message. Assigning puts \
             a value on top, assigning `$null` takes the top one off; `$(avp(x)[1])` is the \
             second, `$(avp(x)[*]) = $null` removes all. `s:` before the name means nothing, \
             `i:` names another attribute.",
            store::read_avp,
        ),
        store::write_avp,
    ),
    var("bF", &[], "Flags of the first branch, in hexadecimal.", store::branch_flags_hex),
    writable(
        var("bf", &[], "Flags of the first branch, as a number.", store::branch_flags),
        store::write_branch_flags,
    ),
    var("br", &[], "URI of the first appended branch; another with an index.", uri::branch),
    var("ci", &[], "Call-ID.", message::call_id),
    var("cl", &[], "Content-Length as written.", message::content_length),
    var("cs", &[], "Number in CSeq.", message::cseq_number),
    var("csb", &[], "CSeq, number and method.", message::cseq),
    var("cT", &[], "Content-Type.", message::content_type),
    var("ct", &[], "The first Contact header field.", message::contact),
    var("dd", &[], "Host of the destination URI.", uri::destination_host),
    var("di", &[], "URI of the first Diversion (RFC 5806).", address::diversion_uri),
    var("dP", &[], "Transport of the destination URI.", uri::destination_transport),
    var("dp", &[], "Port of the destination URI.", uri::destination_port),
    var("ds", &[], "The destination set, as a Contact header field.", uri::destination_set),
    writable(
        var(
            "du",
            &[],
            "The destination URI: where the request goes whatever the Request-URI says. \
             `loose_route()` and `lookup()` set it; `$null` if it is not set.",
            uri::destination,
        ),
        uri::write_destination,
    ),
    var("fd", &[], "Host of the From URI.", address::from_host),
    var("fn", &[], "Display name in From.", address::from_name),
    var("ft", &[], "Tag in From.", address::from_tag),
    var("fU", &[], "User of the From URI.", address::from_user),
    var("fu", &[], "URI in From.", address::from_uri),
    keyed(
        "hdr",
        &[],
        "The header field of that name, in any case, long or compact; `[n]` counts from the top, \
         `[-1]` is the last, `[*]` all with commas between them.",
        message::header,
    ),
    keyed("hdrc", &[], "How many header fields of that name there are.", message::header_count),
    var("headers", &[], "The header fields as they arrived.", message::headers),
    keyed(
        "hfl",
        &[],
        "Like `$hdr`, but each value of a comma-separated field counts.",
        message::header_item,
    ),
    var("mb", &[], "The whole message as it arrived.", message::whole),
    var("mbu", &[], "The whole message with the changes made so far.", message::whole_edited),
    var("method", &[], "The method of a request; `SIP/2.0` for a response.", message::first_token),
    var("mF", &[], "Message flags, in hexadecimal.", store::flags_hex),
    writable(var("mf", &[], "Message flags, as a number.", store::flags), store::write_flags),
    var("mi", &[], "Number of the message, counted by each worker.", message::number),
    var("ml", &[], "Length of the message (bytes).", message::length),
    var("mline", &[], "The first line of the message.", message::first_line),
    var("mt", &[], "1 for a request, 2 for a response.", message::kind),
    var("null", &[], "No value.", store::null),
    var("od", &[], "Host of the Request-URI as it arrived.", uri::original_host),
    var("oP", &[], "Transport of the Request-URI as it arrived.", uri::original_transport),
    var("op", &[], "Port of the Request-URI as it arrived.", uri::original_port),
    var("oU", &[], "User of the Request-URI as it arrived.", uri::original_user),
    var("ou", &[], "The Request-URI as it arrived.", uri::original),
    var("oz", &[], "Scheme of the Request-URI as it arrived.", uri::original_scheme),
    var("pd", &[], "Host in P-Preferred-Identity (RFC 3325).", address::preferred_host),
    var("pn", &[], "Display name in P-Preferred-Identity.", address::preferred_name),
    var("pp", &[], "Number of the server's process.", time::process),
    var("proto", &["pr"], "Transport that the message came by, in lower case.", network::transport),
    var("pU", &[], "User in P-Preferred-Identity.", address::preferred_user),
    var("pu", &[], "URI in P-Preferred-Identity.", address::preferred_uri),
    var("RANDOM", &[], "A random number from 0 to 2147483647.", time::random),
    var(
        "RAi",
        &[],
        "Address of the listener, the advertised one if there is one.",
        network::advertised,
    ),
    var(
        "RAp",
        &[],
        "Port of the listener, the advertised one if there is one.",
        network::advertised_port,
    ),
    var("rb", &[], "The body.", message::body),
    var("rc", &["retcode", "?"], "What the last function or route block gave back.", store::code),
    keyed(
        "rcv",
        &[],
        "About how the message came: `ip`, `port` (where to), `srcip`, `srcport` (where from), \
         `proto`, `af`, `len`, `buf`.",
        network::received,
    ),
    writable(
        var("rd", &["rdomain"], "Host of the Request-URI.", uri::current_host),
        uri::write_host,
    ),
    var("re", &[], "URI in Remote-Party-ID.", address::remote_party_uri),
    var("Ri", &[], "Address that the message was sent to.", network::local_ip),
    var("rm", &[], "The method; of a response, that of its request.", message::method),
    var("Rp", &[], "Port that the message was sent to.", network::local_port),
    var("rP", &[], "Transport of the Request-URI; `UDP` if it names none.", uri::current_transport),
    writable(
        var(
            "rp",
            &[],
            "Port of the Request-URI; the default one if it has none.",
            uri::current_port,
        ),
        uri::write_port,
    ),
    var("rr", &[], "Reason phrase of a response.", message::reason),
    var("rs", &[], "Status code of a response.", message::status),
    writable(
        var(
            "rU",
            &["rUser"],
            "User of the Request-URI; `$null` if it has none.",
            uri::current_user,
        ),
        uri::write_user,
    ),
    writable(var("ru", &[], "The Request-URI as rewritten so far.", uri::current), uri::write_uri),
    var("rv", &[], "SIP version of the message.", message::version),
    var("rz", &[], "Scheme of the Request-URI.", uri::current_scheme),
    var("sas", &[], "Source of the message as `proto:address:port`.", network::source_socket),
    keyed(
        "sel",
        &[],
        "`$sel(cfg_get.group.name)`: a global parameter of the script's own. Other selects are \
         not supported yet.",
        store::nothing,
    ),
    var(
        "sendhdr",
        &[],
        "The header fields with the changes made so far; Via and Record-Route are added when the \
         request is sent.",
        message::headers_edited,
    ),
    var("sF", &[], "Message flags, in hexadecimal.", store::flags_hex),
    var("sf", &[], "Message flags, as a number.", store::flags),
    var("si", &[], "Address that the message came from.", network::source_ip),
    keyed("snd", &[], "About where the request goes: `ip`, `port` of `$du`.", network::sent),
    var("sp", &[], "Port that the message came from.", network::source_port),
    var("su", &[], "Source of the message as a URI.", network::source_uri),
    var(
        "sut",
        &[],
        "Source of the message as a URI with transport.",
        network::source_uri_transport,
    ),
    var("td", &[], "Host of the To URI.", address::to_host),
    var("Tf", &["TF"], "Date and time (UTC), as in `Sat Nov 13 23:29:00 2010`.", time::text),
    var("tn", &[], "Display name in To.", address::to_name),
    var("Ts", &["TS"], "Seconds since 1970.", time::seconds),
    var("tt", &[], "Tag in To; `$null` if there is none.", address::to_tag),
    var("tU", &[], "User of the To URI.", address::to_user),
    var("tu", &[], "URI in To.", address::to_uri),
    var("ua", &[], "User-Agent.", message::user_agent),
    writable(
        keyed(
            "var",
            &[],
            "A variable of the script. It is 0 until it is assigned to, and again for the next \
             message.",
            store::read_var,
        ),
        store::write_var,
    ),
];
