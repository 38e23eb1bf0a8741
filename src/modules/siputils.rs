//! `siputils`: Questions about SIP messages.

use crate::script::ModuleSpec;

/// The module.
pub const MODULE: ModuleSpec = ModuleSpec::new("siputils", "Questions about SIP messages.");
