//! Script functions and pseudo-variables, one file for each module of SER, OpenSER or Kamailio.
//!
//! To add a module is to add a file here and a line to [`REGISTRY`].

mod announced;
mod core;
mod maxfwd;
mod pv;
mod registrar;
mod rr;
mod siputils;
mod sl;
mod table;
#[cfg(test)]
mod testing;
mod textops;
mod usrloc;
mod xlog;

use crate::script::Registry;

/// All modules, in the order in which they are listed for people.
pub static REGISTRY: Registry = Registry { modules: MODULES };

/// The modules behind [`REGISTRY`].
const MODULES: &[&crate::script::ModuleSpec] = &[
    &core::MODULE,
    &pv::MODULE,
    &sl::MODULE,
    &rr::MODULE,
    &maxfwd::MODULE,
    &usrloc::MODULE,
    &registrar::MODULE,
    &textops::MODULE,
    &siputils::MODULE,
    &xlog::MODULE,
    &announced::TM,
];
