//! Modules that can be loaded but whose functions are not there yet. A script that loads one and
//! does not call it runs; a call is an error that says so.

use crate::script::{ModuleSpec, ModuleState};

/// `tm`: transactions.
pub const TM: ModuleSpec = ModuleSpec {
    state: ModuleState::Announced(&[
        "t_relay",
        "t_newtran",
        "t_reply",
        "t_on_failure",
        "t_on_reply",
    ]),
    ..ModuleSpec::new("tm", "Transactions.")
};
