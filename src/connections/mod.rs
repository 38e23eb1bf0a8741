//! Which connections there are and who has them, for all workers and for the administrator.
//!
//! A connection is a worker's own. The directory says whose; what others want to write to it goes
//! to that worker's mailbox.

#![forbid(unsafe_code)]

mod card;
mod directory;
mod settings;

pub use card::{Card, CertificateFacts, ConnectionState, Security};
pub use directory::{ConnectionId, Directory, Passed, Place, Refusal, SettingsFollower};
pub use settings::{ConnectionSettings, ProbeSettings};
