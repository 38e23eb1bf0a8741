//! `usrloc`: The user location tables.

use crate::script::ModuleSpec;

/// The module.
pub const MODULE: ModuleSpec = ModuleSpec::new("usrloc", "The user location tables.");
