//! `xlog`: Formatted log lines.

use crate::script::ModuleSpec;

/// The module.
pub const MODULE: ModuleSpec = ModuleSpec::new("xlog", "Formatted log lines.");
