//! Viaduct: a SIP proxy and registrar for the carrier edge, running the routing scripts of SER,
//! OpenSER and Kamailio.
//!
//! # The way of a datagram
//!
//! 1. [`worker`]: `Cycle::take_turn` waits for its sockets and receives a batch,
//!    [`transport::Inbox`], into the slots of [`mem::SlotPool`]. Where the kernel merged datagrams,
//!    each is moved into a slot of its own.
//! 2. [`proxy::ProxyCore::handle_datagram`] takes one slot at a time. A response that no script looks
//!    at is skimmed (`proxy::pass`): our Via is taken off in the slot, and it goes on with 8.
//! 3. [`sip::parse`] notes where the parts of the message are; nothing is copied.
//! 4. A request is checked as RFC 3261 §16.3 asks (`proxy::validate`), a response must answer
//!    something that went through here (`proxy::response`).
//! 5. [`script::run`] runs the script over it. Functions come from [`modules`] and act on the
//!    proxy through [`script::Host`]; REGISTER ends in [`location`].
//! 6. `forward()` plans the edits of RFC 3261 §16.6 (`proxy::forward`, `proxy::head`), a reply is
//!    composed at once ([`sip::compose`]).
//! 7. [`sip::rewrite::EditList::apply`] makes the edits in the slot.
//! 8. [`mem::Outbox`] holds what is to be sent; the worker sends it with the rest of the batch
//!    ([`transport::Sender`]), neighbours of one length and destination as one that the kernel
//!    splits.
//!
//! A message that comes by a connection is cut out of the stream by [`transport::Streams`] and goes
//! on with 2; what leaves by one goes there from 8, by way of [`connections::Directory`].
//!
//! A script that waits is kept aside ([`script::Suspended`]): for a command that [`helper`] runs,
//! whose answer comes through the worker's mailbox ([`jobs`]) to
//! [`proxy::ProxyCore::handle_completion`], or until [`proxy::ProxyCore::handle_timeout`].
//!
//! [`flow`] runs the core without 1 and 8: one message, or a file of cases.
//!
//! Core and base (all but [`transport`], [`worker`], [`helper`], [`server`] and [`sys`]) hold no
//! socket, no file, no thread and no clock: time comes in as [`time::Now`], chance as a seed.

pub mod admin;
pub mod connections;
pub mod flow;
pub mod helper;
pub mod jobs;
pub mod limits;
pub mod location;
pub mod mem;
pub mod metrics;
pub mod modules;
pub mod names;
pub mod protocol;
pub mod proxy;
pub mod script;
pub mod server;
pub mod sip;
mod siphash;
pub mod sys;
pub mod time;
pub mod transport;
pub mod worker;
