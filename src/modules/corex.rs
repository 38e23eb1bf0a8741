//! `corex`: Where Kamailio keeps `append_branch`, which is a function of the core here, and more.

use super::table::{accepted_number, accepted_text, function, required_text};
use crate::script::{FALSE, FunctionSpec, ModuleSpec, RouteKinds};

/// The module.
pub(super) const MODULE: ModuleSpec = ModuleSpec {
    functions: FUNCTIONS,
    settings: &[
        accepted_text("dns_cache", "Changes nothing: names are not looked up."),
        accepted_text("evcb_reply_out", "Changes nothing: there are no event routes of replies."),
        accepted_number("nio_intercept", NO_INTERCEPTION),
        accepted_number("nio_min_msg_len", NO_INTERCEPTION),
        accepted_text("nio_msg_avp", NO_INTERCEPTION),
    ],
    missing: super::missing::COREX,
    ..ModuleSpec::new("corex", "More functions of the core.")
};

/// Its functions.
const FUNCTIONS: &[FunctionSpec] = &[
    FunctionSpec {
        routes: RouteKinds::NOT_REPLY,
        ..function(
            "set_send_socket",
            &[required_text("address")],
            "The request leaves from this listen address, written `udp:192.0.2.1:5060`. False if \
             it is no listen address.",
            r#"set_send_socket("udp:192.0.2.1:5060");"#,
            super::core::forward::force_send_socket,
        )
    },
    function(
        "is_faked_msg",
        &[],
        "Whether the message was made by the server itself, for routes that run without one: \
         always false.",
        "if (is_faked_msg()) exit;",
        |_, _| FALSE,
    ),
];

/// Says of a parameter that it is about routes that see raw datagrams.
const NO_INTERCEPTION: &str = "Changes nothing: there are no event routes of datagrams.";
