//! Script functions and pseudo-variables, one file for each module of SER, OpenSER or Kamailio.
//!
//! To add a module is to add a file here and a line to `READY`.

mod announced;
mod cfgutils;
mod compatibility;
mod core;
mod corex;
mod exec;
mod item;
mod kex;
mod maxfwd;
mod mi_fifo;
mod missing;
mod primisip;
mod pv;
mod registrar;
mod rr;
mod sanity;
#[cfg(test)]
mod script_tests;
mod siputils;
mod sl;
mod table;
#[cfg(test)]
mod testing;
mod textops;
mod textopsx;
pub mod tls;
mod usrloc;
mod xlog;

pub use compatibility::{Compatibility, function_compatibility, variable_compatibility};
pub use corex::SubdomainAliases;

pub use pv::SharedVariables;

use crate::script::{Execution, ModuleSpec, Registry};

/// Gives back what a run holds that has come to its end.
#[inline]
pub fn end_run(execution: &Execution<'_>) {
    if execution.has_stored() {
        cfgutils::release_locks(execution);
    }
}

/// All modules, in the order in which they are listed for people.
pub static REGISTRY: Registry = Registry { modules: &MODULES };

/// The modules whose functions can be called.
const READY: &[&ModuleSpec] = &[
    &core::MODULE,
    &corex::MODULE,
    &pv::MODULE,
    &primisip::MODULE,
    &sl::MODULE,
    &rr::MODULE,
    &maxfwd::MODULE,
    &usrloc::MODULE,
    &registrar::MODULE,
    &textops::MODULE,
    &textopsx::MODULE,
    &siputils::MODULE,
    &sanity::MODULE,
    &kex::MODULE,
    &cfgutils::MODULE,
    &exec::MODULE,
    &tls::MODULE,
    &mi_fifo::MODULE,
    &xlog::MODULE,
];

/// The modules behind [`REGISTRY`]: those that are ready, then those that are announced.
const MODULES: [&ModuleSpec; READY.len() + announced::MODULES.len()] = {
    let mut modules = [READY[0]; READY.len() + announced::MODULES.len()];
    let mut at = 0;
    while at < modules.len() {
        modules[at] =
            if at < READY.len() { READY[at] } else { &announced::MODULES[at - READY.len()] };
        at += 1;
    }
    modules
};
