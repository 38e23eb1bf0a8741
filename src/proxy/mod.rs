//! RFC 3261 §16: the proxy core, with no socket and no clock.
//!
//! The contract: *one input, then all outputs are in the outbox before the call returns; time
//! comes in only as `now`; the same seed and the same inputs give the same bytes.*
//!
//! ```text
//! core::handle_datagram ─ request  ─▶ validate ─▶ the script, which acts through turn (Host)
//!                       │                           ├─ forward: RFC 3261 §16.6, edits planned
//!                       │                           └─ reply: RFC 3261 §8.2.6, composed at once
//!                       │                 then the planned edits are made in the slot
//!                       └ response ─▶ response: RFC 3261 §16.7, §18.2.2, Via taken off in the slot
//!                                     (pass: of those that no script looks at)
//! ```
//!
//! A run of the script may wait for a command (`suspended`): `core::handle_completion` goes on with
//! it.

mod branch;
mod core;
mod forward;
mod head;
mod identity;
mod overload;
mod parked;
mod pass;
mod quads;
mod reply;
mod response;
mod standing;
mod suspended;
mod turn;
mod validate;
mod verbatim;
mod warning;

pub use self::core::ProxyCore;
pub use identity::Listener;
pub use standing::{CoreParts, LogSink};

/// What a core runs.
pub use crate::script::Program;
