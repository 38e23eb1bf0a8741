//! `textops`: Text and header field operations.

use crate::script::ModuleSpec;

/// The module.
pub const MODULE: ModuleSpec = ModuleSpec::new("textops", "Text and header field operations.");
