//! `registrar`: REGISTER processing and lookup.

mod fetch;
mod lookup;
mod record;
mod save;
mod settings;

use bumpalo::Bump;

use super::table::{function, optional_text, required_text};
use crate::location::{RegistrarConfig, UsrlocConfig, aor_key, is_own_key};
use crate::script::{
    Argument, Execution, FunctionSpec, ModuleSpec, ParameterKind, ParameterSpec, Program,
    ReturnCode, RouteKinds,
};
use crate::sip::{NameAddr, Uri};

/// The module.
pub(super) const MODULE: ModuleSpec = ModuleSpec {
    functions: FUNCTIONS,
    variables: fetch::VARIABLES,
    settings: settings::SETTINGS,
    fixed: &[("case_sensitive", "0"), ("realm_prefix", "")],
    configure: Some(settings::configure),
    knows_defaults: true,
    missing: super::missing::REGISTRAR,
    ..ModuleSpec::new("registrar", "REGISTER processing and lookup.")
};

/// The table.
const TABLE: ParameterSpec = ParameterSpec::required("table", ParameterKind::Literal);

/// The functions.
const FUNCTIONS: &[FunctionSpec] = &[
    FunctionSpec {
        routes: RouteKinds::REQUEST,
        ..function(
            "save",
            &[TABLE, ParameterSpec::optional("flags", ParameterKind::Int), optional_text("uri")],
            "Does what a REGISTER asks for (RFC 3261 §10.3) to the contacts of its user in the \
             table, and answers it.\n\nThe user is the one of the To header field, or of the given \
             URI. Flags, added up: 1 memory only (always so), 2 no answer, 4 other contacts of \
             the user are removed, 8 no effect. The code is 1 if a contact was added, 2 if some \
             were refreshed, 3 if some were removed, 4 if they were only asked for. It is false \
             once the request has been answered with an error: -2 if there are too many contacts, \
             else -1.",
            r#"if (method=="REGISTER") { save("location"); exit; }"#,
            save::save,
        )
    },
    FunctionSpec {
        aliases: &["save_mem_nr"],
        routes: RouteKinds::REQUEST,
        ..function(
            "save_noreply",
            &[TABLE],
            "Like `save`, without an answer.",
            r#"if (save_noreply("location")) sl_send_reply("200", "OK");"#,
            save::save_noreply,
        )
    },
    FunctionSpec {
        routes: RouteKinds::REQUEST,
        ..function(
            "reg_send_reply",
            &[],
            "Sends the answer that `save` would have sent but for its flag 2, or `save_noreply`. \
             False if there is none.",
            r#"if (save("location", "2")) reg_send_reply();"#,
            save::send_reply,
        )
    },
    FunctionSpec {
        routes: RouteKinds::REQUEST,
        ..function(
            "save_memory",
            &[TABLE],
            "Like `save`, in memory only: the same.",
            r#"save_memory("location");"#,
            save::save,
        )
    },
    FunctionSpec {
        routes: RouteKinds::NOT_REPLY,
        ..function(
            "lookup",
            &[TABLE, optional_text("uri")],
            "Replaces the Request-URI by the contact of its user with the highest q, of several \
             the oldest, or with `desc_time_order` the newest of all; the others become branches. \
             False if there is none.\n\nThe user is the one of the Request-URI, or of the \
             given URI. `$du` becomes the first hop of the path that the contact registered \
             with, or the URI that `received_avp` said then, or is unset.",
            r#"if (!lookup("location")) { sl_send_reply("404", "Not Found"); exit; }"#,
            lookup::lookup,
        )
    },
    FunctionSpec {
        routes: RouteKinds::NOT_REPLY,
        ..function(
            "lookup_to_dset",
            &[TABLE, optional_text("uri")],
            "Adds all contacts of the user of the Request-URI, or of the given URI, to the \
             destination set, and leaves the Request-URI as it is. False if there is none.",
            r#"lookup_to_dset("location");"#,
            lookup::lookup_to_dset,
        )
    },
    FunctionSpec {
        routes: RouteKinds::NOT_REPLY,
        ..function(
            "lookup_branches",
            &[TABLE],
            "Like `lookup`, for the Request-URI and for each branch: those whose user has contacts \
             are replaced by these. False if none has any.",
            r#"lookup_branches("location");"#,
            lookup::lookup_branches,
        )
    },
    FunctionSpec {
        routes: RouteKinds::NOT_REPLY,
        ..function(
            "reg_fetch_contacts",
            &[TABLE, required_text("uri"), required_text("profile")],
            "Fetches what is known of the contacts of the user of a URI, for \
             `$(ulc(profile=>addr)[0])` and the like. False if there are none.",
            r#"reg_fetch_contacts("location", "$ru", "callee");"#,
            fetch::fetch,
        )
    },
    FunctionSpec {
        routes: RouteKinds::NOT_REPLY,
        ..function(
            "reg_free_contacts",
            &[required_text("profile")],
            "Forgets the contacts that were fetched under that name.",
            r#"reg_free_contacts("callee");"#,
            fetch::free,
        )
    },
    FunctionSpec {
        routes: RouteKinds::REQUEST,
        ..function(
            "add_sock_hdr",
            &[ParameterSpec::required("name", ParameterKind::Literal)],
            "Adds a header field of that name with the listen address that the request came in \
             at, as `udp:192.0.2.1:5060`.",
            r#"add_sock_hdr("Sock-Info");"#,
            lookup::add_sock_hdr,
        )
    },
    function(
        "registered",
        &[
            TABLE,
            optional_text("uri"),
            ParameterSpec::optional("match_option", ParameterKind::Int),
            ParameterSpec::optional("match_action", ParameterKind::Int),
        ],
        "Whether the user of the Request-URI, in a response that of To, or that of the given \
         URI, has a contact. Changes nothing of the message.\n\nMatch options, added up, ask \
         for a contact with what the attribute that `xavp_cfg` names says: 1 its member \
         `match_callid`, 2 `match_received`, 4 `match_contact`; one that is not set fits all. \
         The contact is told in the attribute that `xavp_rcd` names, with the match action 2 \
         it is not.",
        r#"if (registered("location", "$fu")) setflag(5);"#,
        record::registered,
    ),
    FunctionSpec {
        routes: RouteKinds::NOT_REPLY,
        ..function(
            "unregister",
            &[TABLE, required_text("uri"), optional_text("ruid")],
            "Removes all contacts of the user of the given URI, or only the one with that \
             `$ulc(profile=>ruid)`.\n\nTrue also if there were none to be removed; false with -1 \
             if the URI is none, with -3 if the user has no contact with that `ruid`.",
            r#"unregister("location", "sip:bob@example.com");"#,
            record::unregister,
        )
    },
];

/// `save("location")`, for scripts that name no table: those of PrimiSIP, where a contact is
/// where its REGISTER came from, here once `force_rport()` was called.
pub(super) fn save_location<'m>(execution: &mut Execution<'m>, _: &[Argument<'m>]) -> ReturnCode {
    save::save_source(execution, &[Argument::Text(b"location")])
}

/// What the parameters of this module say; the defaults if it has none.
#[inline]
fn config(program: &Program) -> &RegistrarConfig {
    static DEFAULT: RegistrarConfig = RegistrarConfig::DEFAULT;
    program.config().unwrap_or(&DEFAULT)
}

/// The key of the address-of-record in `text`: a URI, or an address with one.
#[inline(never)]
pub(super) fn key_of<'m>(text: &'m [u8], program: &Program, arena: &'m Bump) -> Option<&'m [u8]> {
    match Uri::parse(text) {
        Ok(uri) => key(&uri, program, arena),
        Err(_) => key(&Uri::parse(NameAddr::parse(text).ok()?.uri).ok()?, program, arena),
    }
}

/// The key of the address-of-record that a URI is.
#[inline]
fn key<'m>(uri: &Uri<'m>, program: &Program, arena: &'m Bump) -> Option<&'m [u8]> {
    own_key(uri, program).or_else(|| composed_key(uri, program, arena))
}

/// The user part of a URI, if that is the key of the address-of-record.
#[inline(always)]
fn own_key<'m>(uri: &Uri<'m>, program: &Program) -> Option<&'m [u8]> {
    let domain_counts = || !program.has_defaults::<UsrlocConfig>() && domain_counts(program);
    uri.user.filter(|user| !domain_counts() && is_own_key(user))
}

/// Whether the domain is a part of the key.
#[inline(never)]
fn domain_counts(program: &Program) -> bool {
    program.config::<UsrlocConfig>().is_some_and(|usrloc| usrloc.use_domain)
}

/// The key of an address-of-record whose user part alone is none.
#[inline(never)]
fn composed_key<'m>(uri: &Uri<'m>, program: &Program, arena: &'m Bump) -> Option<&'m [u8]> {
    let usrloc = program.config::<UsrlocConfig>().copied().unwrap_or_default();
    aor_key(uri, config(program).aor_rules(&usrloc), arena)
}
