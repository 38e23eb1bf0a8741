//! `pv`: Pseudo-variables.

use crate::script::ModuleSpec;

/// The module.
pub const MODULE: ModuleSpec = ModuleSpec::new("pv", "Pseudo-variables.");
