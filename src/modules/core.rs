//! `core`: The language itself: URI rewriting, flags, forwarding, logging.

use crate::script::ModuleSpec;

/// The module.
pub const MODULE: ModuleSpec =
    ModuleSpec::new("core", "The language itself: URI rewriting, flags, forwarding, logging.");
