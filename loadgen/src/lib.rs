//! viaload: a load generator for SIP servers.
//!
//! # The way of a call
//!
//! 1. [`run::run()`] reads what is asked for, binds sockets and starts a [`worker::Crew`]. Each
//!    worker asks its [`pace::Load`] which calls are due ([`pace::Load::due`]).
//! 2. [`agent::Agent::start_call`] runs the steps of a [`scenario::Program`] until it has to wait:
//!    messages are composed from their [`scenario::Template`] into the [`outbox::Outbox`].
//! 3. The worker sends the outbox, and notes how late the call was. It receives a batch, and gives
//!    each datagram to [`agent::Agent::handle_datagram`], which finds the call, sorts out
//!    repetitions and goes on with its steps. What waits for a time goes on in
//!    [`agent::Agent::handle_timeouts`].
//! 4. Once a second each worker hands over its [`measure::Interval`]. The crew adds up those of
//!    all workers ([`worker::Crew::second`]), [`run`] those of all seconds; it shows them
//!    ([`view::View::second`]) and makes of them a [`report::Report`].
//!
//! The agent has no socket and no clock: time comes in as [`moment::Moment`], chance as a seed.

#![forbid(unsafe_code)]

pub mod agent;
pub mod clock;
pub mod measure;
pub mod moment;
pub mod outbox;
pub mod pace;
pub mod report;
pub mod run;
pub mod scenario;
mod show;
pub mod users;
pub mod view;
pub mod worker;
