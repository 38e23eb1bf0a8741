//! Where users are: bindings of addresses-of-record to contacts (RFC 3261 §10).
//!
//! ```text
//! REGISTER ─ save() ──▶ registrar::refresh ─┬▶ LocationTable::update   one AOR, one writer
//!                    or registrar::register ┘
//! INVITE   ─ lookup() ─▶ LocationTable::lookup                         no lock, no wait
//! timer    ─ proxy ────▶ LocationTables::sweep                         a few AORs per call
//! ```
//!
//! A table maps an address-of-record to a [`BindingSet`] that never changes but for the expiry and
//! the CSeq of its bindings, which a refresh sets in place; everything else replaces the set.

mod aor;
mod binding;
mod config;
mod hashes;
pub mod registrar;
mod table;
mod tables;

pub use aor::{AorRules, aor_key, is_own_key};
pub use binding::{Binding, BindingSet, BindingView, Instance, SHORT_CONTACT_BYTES};
pub use config::{PathMode, RegistrarConfig, UsrlocConfig};
pub use table::{LocationTable, TableFull, Walk};
pub use tables::LocationTables;

use crate::time::Now;

/// The moment of `now` as bindings count it: whole seconds of the monotonic clock, good for 136
/// years.
#[must_use]
pub fn seconds(now: Now) -> u32 {
    moment(now.monotonic_seconds())
}

/// The moment when the monotonic clock shows so many seconds, see [`seconds`].
#[inline]
#[must_use]
pub fn moment(monotonic_seconds: u64) -> u32 {
    u32::try_from(monotonic_seconds).unwrap_or(u32::MAX)
}
