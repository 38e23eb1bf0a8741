//! Viaduct: a SIP proxy and registrar for the carrier edge.
pub mod limits;
pub mod location;
pub mod mem;
pub mod metrics;
pub mod modules;
pub mod proxy;
pub mod script;
pub mod server;
pub mod sip;
pub mod sys;
pub mod time;
pub mod transport;
pub mod worker;
