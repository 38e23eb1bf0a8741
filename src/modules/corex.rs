//! `corex`: Where Kamailio keeps `append_branch`, which is a function of the core here, and more.

use super::table::{accepted_number, accepted_text};
use crate::script::ModuleSpec;

/// The module.
pub(super) const MODULE: ModuleSpec = ModuleSpec {
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

/// Says of a parameter that it is about routes that see raw datagrams.
const NO_INTERCEPTION: &str = "Changes nothing: there are no event routes of datagrams.";
