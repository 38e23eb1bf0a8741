//! `sl`: Stateless replies.

use crate::script::ModuleSpec;

/// The module.
pub const MODULE: ModuleSpec = ModuleSpec::new("sl", "Stateless replies.");
