//! `pv`: Pseudo-variables.

mod address;
mod branch;
mod credentials;
mod message;
mod network;
mod query;
mod server;
mod shared;
mod store;
mod time;
mod uri;
mod via;
mod xavp;

pub(super) use credentials::user_name as credential_user;
pub(super) use message::method_number;
pub(super) use server::{find_named, name_of};
pub use shared::SharedVariables;
pub(super) use shared::{InitialValues, Shared, initial_value};

use std::sync::Arc;

use super::table::{count, join, text_setting};
use crate::script::ast::GlobalValue;
use crate::script::{
    FunctionSpec, ModuleConfig, ModuleSpec, PseudoVariable, Read, SettingSpec, Write,
};

/// The module. Its variables are there without `loadmodule`, as SER and OpenSER have them.
pub(super) const MODULE: ModuleSpec = ModuleSpec {
    built_in: true,
    functions: &FUNCTIONS,
    variables: &ALL_VARIABLES,
    settings: SETTINGS,
    configure: Some(configure),
    missing: super::missing::PV,
    ..ModuleSpec::new("pv", "Pseudo-variables.")
};

/// The parameters.
const SETTINGS: &[SettingSpec] = &[text_setting(
    "shvset",
    "A value that `$shv(name)` starts with, `name=i:7` or `name=s:text`; may be set several times.",
)];

/// Reads the module parameters.
fn configure(values: &[(&str, GlobalValue)]) -> Result<ModuleConfig, (usize, String)> {
    let mut config = shared::PvConfig::default();
    for (position, (_, value)) in values.iter().enumerate() {
        config.shared.push(initial_value(value).map_err(|told| (position, told))?);
    }
    Ok(Arc::new(config))
}

/// The tables of functions.
const TABLES: &[&[FunctionSpec]] = &[query::FUNCTIONS, &branch::FUNCTIONS, xavp::FUNCTIONS];

/// The functions.
const FUNCTIONS: [FunctionSpec; count(TABLES)] = join(TABLES);

/// A variable that can be read.
const fn var(
    name: &'static str,
    aliases: &'static [&'static str],
    doc: &'static str,
    read: Read,
) -> PseudoVariable {
    PseudoVariable { name, aliases, keyed: false, keys: &[], read, write: None, doc }
}

/// A variable with a name in parentheses.
const fn keyed(
    name: &'static str,
    aliases: &'static [&'static str],
    doc: &'static str,
    read: Read,
) -> PseudoVariable {
    PseudoVariable { name, aliases, keyed: true, keys: &[], read, write: None, doc }
}

/// A variable with one of these names in parentheses.
const fn parts(
    name: &'static str,
    keys: &'static [&'static str],
    doc: &'static str,
    read: Read,
) -> PseudoVariable {
    PseudoVariable { name, aliases: &[], keyed: true, keys, read, write: None, doc }
}

/// The same variable, which can be written.
const fn writable(variable: PseudoVariable, write: Write) -> PseudoVariable {
    PseudoVariable { write: Some(write), ..variable }
}

/// The tables of variables.
const VARIABLE_TABLES: &[&[PseudoVariable]] =
    &[VARIABLES, server::VARIABLES, via::VARIABLES, credentials::VARIABLES, store::VARIABLES];

/// All variables.
const ALL_VARIABLES: [PseudoVariable; count(VARIABLE_TABLES)] = join(VARIABLE_TABLES);

/// The variables.
const VARIABLES: &[PseudoVariable] = &[
    keyed(
        "_s",
        &[],
        "The text in the parentheses, with its variables replaced.",
        message::evaluated,
    ),
    var("aa", &[], "Algorithm in Authorization or Proxy-Authorization.", credentials::algorithm),
    var("ad", &[], "Domain of the user name in Authorization.", credentials::domain),
    var("adu", &[], "URI in Authorization or Proxy-Authorization.", credentials::uri),
    var("af", &[], "Address family of the message: `INET` or `INET6`.", network::family),
    var("ai", &[], "URI in P-Asserted-Identity (RFC 3325).", address::asserted_uri),
    var("ar", &[], "Realm in Authorization or Proxy-Authorization.", credentials::realm),
    var("AU", &[], "User of the From URI: who is charged.", address::from_user),
    var("Au", &[], "User and host of the From URI: who is charged.", credentials::charged),
    var("aU", &[], "User name in Authorization or Proxy-Authorization.", credentials::name),
    var("au", &[], "User of the user name in Authorization.", credentials::user),
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
    var("bR", &[], "URIs of all branches, with commas between them.", branch::uris),
    writable(
        var(
            "br",
            &[],
            "URI of the first branch, of another with an index (`[-1]` is the last). Assigning \
             adds a branch.",
            branch::uri,
        ),
        branch::append,
    ),
    writable(
        parts(
            "branch",
            branch::PARTS,
            "About a branch of the destination set, the first one if there is no index: `uri`, \
             `dst_uri` (its `$du`), `path`, `q` (in thousandths), `send_socket`, `flags`; `count` \
             is how many there are. Assigning `$null` to `uri` removes the branch.",
            branch::part,
        ),
        branch::write_part,
    ),
    var("bs", &[], "Length of the body (bytes).", message::body_length),
    parts(
        "cfg",
        &["line", "name", "route"],
        "Where the script is: `line`, `name` of the file, `route` block.",
        store::place,
    ),
    var("ci", &[], "Call-ID.", message::call_id),
    var("cl", &[], "Content-Length as written.", message::content_length),
    var("conid", &[], "Number of the TCP connection; `$null` for UDP.", store::null),
    keyed(
        "cnt",
        &[],
        "How many values an attribute has: `$cnt($avp(x))`, `$cnt($xavp(root))`, \
         `$cnt($xavp(root[0]=>member))`.",
        store::nothing,
    ),
    var("cs", &[], "Number in CSeq.", message::cseq_number),
    var("csb", &[], "CSeq, number and method.", message::cseq),
    var("cT", &[], "Content-Type.", message::content_type),
    var("ct", &[], "The first Contact header field.", message::contact),
    var("ctu", &[], "URI in the first Contact.", address::contact_uri),
    var("dd", &[], "Host of the destination URI.", uri::destination_host),
    keyed("def", &[], "The value of a `#!define`; `$null` if there is none.", store::nothing),
    keyed(
        "defn",
        &[],
        "The value of a `#!define` as a number; `$null` if there is none.",
        store::nothing,
    ),
    var("di", &[], "URI of the first Diversion (RFC 5806).", address::diversion_uri),
    var("dic", &[], "Counter of the first Diversion.", address::diversion_counter),
    var("dip", &[], "Privacy of the first Diversion.", address::diversion_privacy),
    var("dir", &[], "Reason of the first Diversion.", address::diversion_reason),
    var("dP", &[], "Transport of the destination URI.", uri::destination_transport),
    var("dp", &[], "Port of the destination URI.", uri::destination_port),
    var(
        "ds",
        &[],
        "The destination set as a Contact header field: Request-URI and branches, each URI once.",
        branch::set,
    ),
    writable(
        var(
            "du",
            &["duri"],
            "The destination URI: where the request goes whatever the Request-URI says. \
             `loose_route()` and `lookup()` set it; `$null` if it is not set.",
            uri::destination,
        ),
        uri::write_destination,
    ),
    keyed(
        "env",
        &[],
        "A variable of the environment, as it was when the script was loaded; `$null` if it is \
         not set.",
        store::nothing,
    ),
    parts(
        "expires",
        &["min", "max"],
        "The shortest (`min`) or longest (`max`) expiry of the Contacts: that of Expires counts \
         where one has none of its own, or where there is no Contact.",
        message::expires,
    ),
    writable(
        var("fd", &[], "Host of the From URI. Assigning changes what is sent.", address::from_host),
        address::write_from_host,
    ),
    var("fn", &[], "Display name in From.", address::from_name),
    var("ft", &[], "Tag in From.", address::from_tag),
    writable(
        var(
            "fs",
            &[],
            "The listen address that the request is to leave from, as `udp:192.0.2.1:5060`, if \
             one was chosen.",
            network::send_socket,
        ),
        network::write_send_socket,
    ),
    writable(
        var("fU", &[], "User of the From URI. Assigning changes what is sent.", address::from_user),
        address::write_from_user,
    ),
    writable(
        var(
            "fu",
            &["from"],
            "URI in From. Assigning changes what is sent; what is read stays what arrived.",
            address::from_uri,
        ),
        address::write_from_uri,
    ),
    var("fUl", &[], "Length of the user of the From URI.", address::from_user_length),
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
    keyed(
        "hflc",
        &[],
        "How many values the header fields of that name have, as `$hfl` counts them.",
        message::item_count,
    ),
    var("mb", &[], "The whole message as it arrived.", message::whole),
    var("mbu", &[], "The whole message with the changes made so far.", message::whole_edited),
    var("method", &[], "The method of a request; `SIP/2.0` for a response.", message::first_token),
    var("mF", &[], "Message flags, in hexadecimal.", store::flags_hex),
    writable(var("mf", &[], "Message flags, as a number.", store::flags), store::write_flags),
    var("mi", &[], "Number of the message, counted by each worker.", message::number),
    var("ml", &[], "Length of the message (bytes).", message::length),
    var("mline", &[], "The first line of the message.", message::first_line),
    parts(
        "msg",
        message::PARTS,
        "The message as it arrived: `buf` all of it, `fline` the first line, `hdrs` the header \
         fields, `body`, `lpart` all but the first line; `len`, `fline_len`, `hdrs_len`, \
         `body_len` their lengths.",
        message::part,
    ),
    var("mt", &[], "1 for a request, 2 for a response.", message::kind),
    parts(
        "nh",
        &["u", "U", "d", "p", "P"],
        "The next hop, `$du` or else `$ru`: `u` its URI, `U` user, `d` host, `p` port, `P` \
         transport.",
        uri::next_part,
    ),
    var("nhu", &[], "URI of the next hop: `$du` or else `$ru`.", uri::next_uri),
    var("null", &[], "No value.", store::null),
    var("od", &[], "Host of the Request-URI as it arrived.", uri::original_host),
    var("oP", &[], "Transport of the Request-URI as it arrived.", uri::original_transport),
    var("op", &[], "Port of the Request-URI as it arrived.", uri::original_port),
    var("oU", &[], "User of the Request-URI as it arrived.", uri::original_user),
    var("ou", &["ouri"], "The Request-URI as it arrived.", uri::original),
    var("oz", &[], "Scheme of the Request-URI as it arrived.", uri::original_scheme),
    var(
        "oUl",
        &[],
        "Length of the user of the Request-URI as it arrived.",
        uri::original_user_length,
    ),
    var("pd", &[], "Host in P-Preferred-Identity (RFC 3325).", address::preferred_host),
    var("pn", &[], "Display name in P-Preferred-Identity.", address::preferred_name),
    var("pp", &[], "Number of the server's process.", time::process),
    var(
        "prid",
        &[],
        "Number of the transport that the message came by: 1 UDP, 2 TCP, 3 TLS.",
        network::transport_number,
    ),
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
    var(
        "RAu",
        &[],
        "The listener as a URI, the advertised one if there is one.",
        network::advertised_uri,
    ),
    var("RAut", &[], "Like `$RAu`, with the transport.", network::advertised_uri_transport),
    var("rb", &[], "The body.", message::body),
    var("rc", &["retcode", "?"], "What the last function or route block gave back.", store::code),
    parts(
        "rcv",
        network::RECEIVED_PARTS,
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
    var(
        "rmid",
        &[],
        "Number of the method: 1 INVITE, 2 CANCEL, 4 ACK, 8 BYE, and so on.",
        method_number,
    ),
    var("Rp", &[], "Port that the message was sent to.", network::local_port),
    var(
        "rP",
        &[],
        "Transport of the Request-URI; if it names none, `UDP`, or `TLS` of a `sips:` URI.",
        uri::current_transport,
    ),
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
    var("rt", &[], "URI in Refer-To.", address::refer_to_uri),
    var(
        "Ru",
        &[],
        "Where the message was sent to, as a URI; of a stream with the transport.",
        network::local_uri,
    ),
    var("rUl", &[], "Length of the user of the Request-URI.", uri::current_user_length),
    var("Rut", &[], "Like `$Ru`, with the transport.", network::local_uri_transport),
    writable(
        var(
            "ru_q",
            &[],
            "Preference of the Request-URI, in thousandths; `$null` if it has none.",
            branch::current_q,
        ),
        branch::write_current_q,
    ),
    writable(
        var("ru", &["ruri"], "The Request-URI as rewritten so far.", uri::current),
        uri::write_uri,
    ),
    var("rv", &[], "SIP version of the message.", message::version),
    var("rz", &[], "Scheme of the Request-URI.", uri::current_scheme),
    var("sas", &[], "Source of the message as `proto:address:port`.", network::source_socket),
    writable(
        parts(
            "sbranch",
            branch::STATIC_PARTS,
            "A branch that is prepared apart from the destination set, for `sbranch_append()` and \
             `sbranch_set_ruri()`: `uri`, `dst_uri`, `path`, `q` (in thousandths), `send_socket`, \
             `flags`.",
            branch::static_part,
        ),
        branch::write_static_part,
    ),
    keyed(
        "sel",
        &[],
        "A select of SER, also written `@name`: `cfg_get.group.name`, a global parameter of the \
         script's own; `from`, `to`, `contact`, `via[1]`, `rr`, `msg.header_name` with `.uri`, \
         `.uri.user`, `.name`, `.tag`, `.params[x]` and the like; `ruri`, `dst_uri`, `next_hop` \
         with `.user`, `.host`, `.port`, `.params[x]`; `method`, `cseq.num`, `src.ip`.",
        store::nothing,
    ),
    var(
        "sendhdr",
        &[],
        "The header fields with the changes made so far; Via and Record-Route are added when the \
         request is sent.",
        message::headers_edited,
    ),
    var("sF", &[], "Script flags (`setsflag`), in hexadecimal.", store::script_flags_hex),
    writable(
        var("sf", &[], "Script flags (`setsflag`), as a number.", store::script_flags),
        store::write_script_flags,
    ),
    writable(
        keyed(
            "shv",
            &[],
            "A variable that all workers share and that stays until the server stops, also when \
             the script is loaded again. It is 0, or what `shvset` says, until it is assigned to; \
             `$null` makes it an empty text. To change it by what it was, hold a `lock()`.",
            shared::read,
        ),
        shared::write,
    ),
    var("si", &["src_ip"], "Address that the message came from.", network::source_ip),
    var("siz", &[], "Address that the message came from, IPv6 in brackets.", network::source_host),
    parts(
        "snd",
        network::SENT_PARTS,
        "About where the request goes: `ip`, `port`, `proto` of `$du` or else `$ru`.",
        network::sent,
    ),
    parts(
        "sndfrom",
        network::SENT_PARTS,
        "About the listen address that the request leaves from: `ip`, `port`, `proto` of the one \
         that was chosen (`$fs`), or else of the one that it came to.",
        network::sent_from,
    ),
    parts("sndto", network::SENT_PARTS, "The same as `$snd`.", network::sent),
    var("sp", &[], "Port that the message came from.", network::source_port),
    var("su", &[], "Source of the message as a URI.", network::source_uri),
    var(
        "sut",
        &[],
        "Source of the message as a URI with transport.",
        network::source_uri_transport,
    ),
    writable(
        var("td", &[], "Host of the To URI. Assigning changes what is sent.", address::to_host),
        address::write_to_host,
    ),
    var("Tf", &["TF"], "Local date and time, as in `Sat Nov 13 23:29:00 2010`.", time::text),
    parts(
        "time",
        time::PARTS,
        "The present local time: `sec`, `min`, `hour`, `mday`, `mon` (from 1), `year`, `wday` \
         (1 is Sunday), `yday` (from 1), `isdst`.",
        time::part,
    ),
    keyed(
        "timef",
        &[],
        "The present local time in the format in the parentheses, as `strftime` has it: \
         `$timef(%Y-%m-%d %H:%M:%S)`.",
        time::formatted,
    ),
    var("tn", &[], "Display name in To.", address::to_name),
    var("Ts", &["TS"], "Seconds since 1970.", time::seconds),
    var("tt", &[], "Tag in To; `$null` if there is none.", address::to_tag),
    writable(
        var("tU", &[], "User of the To URI. Assigning changes what is sent.", address::to_user),
        address::write_to_user,
    ),
    writable(
        var(
            "tu",
            &["to"],
            "URI in To. Assigning changes what is sent; what is read stays what arrived.",
            address::to_uri,
        ),
        address::write_to_uri,
    ),
    var("tUl", &[], "Length of the user of the To URI.", address::to_user_length),
    parts(
        "TV",
        time::CLOCK_PARTS,
        "The present time: `s`, seconds since 1970, and `u`, microseconds of the next one; `sn` \
         and `un` the same; `Sn`, both as a text, `seconds.microseconds`.",
        time::clock,
    ),
    var("ua", &[], "User-Agent.", message::user_agent),
    parts("utime", time::PARTS, "Like `$time`, in UTC.", time::part_utc),
    keyed("utimef", &[], "Like `$timef`, in UTC.", time::formatted_utc),
    writable(
        keyed(
            "var",
            &["vz"],
            "A variable of the script. It is 0 until it is assigned to, and again for the next \
             message.",
            store::read_var,
        ),
        store::write_var,
    ),
    parts(
        "version",
        &["num", "full"],
        "The version of the server: `num`, or `full` with its name.",
        time::version,
    ),
    writable(
        keyed(
            "xavi",
            &[],
            "Like `$xavp`, but the case of names does not count.",
            xavp::read_case_less,
        ),
        xavp::write_case_less,
    ),
    writable(
        keyed(
            "xavp",
            &[],
            "An attribute with members, which starts empty with each message: `$xavp(root)`, \
             `$xavp(root=>member)`, `$xavp(root[1]=>member[0])`. Assigning without an index puts a \
             new attribute, or with `root[0]` a new member, on top; with an index behind the last \
             name it replaces what is there. Assigning `$null` removes it, at `[*]` all.",
            xavp::read,
        ),
        xavp::write_value,
    ),
    writable(
        keyed(
            "xavu",
            &[],
            "An attribute with members that has one value only: assigning replaces it, `$null` \
             removes it.",
            xavp::read_single,
        ),
        xavp::write_single,
    ),
];
