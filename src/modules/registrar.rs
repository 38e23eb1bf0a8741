//! `registrar`: REGISTER processing and lookup.

use crate::script::ModuleSpec;

/// The module.
pub const MODULE: ModuleSpec = ModuleSpec::new("registrar", "REGISTER processing and lookup.");
