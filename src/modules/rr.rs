//! `rr`: Record routing and loose routing.

use crate::script::ModuleSpec;

/// The module.
pub const MODULE: ModuleSpec = ModuleSpec::new("rr", "Record routing and loose routing.");
