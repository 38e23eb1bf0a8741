//! `maxfwd`: The Max-Forwards check.

use crate::script::ModuleSpec;

/// The module.
pub const MODULE: ModuleSpec = ModuleSpec::new("maxfwd", "The Max-Forwards check.");
