//! viaload: a load generator for SIP servers.
//!
//! # The way of a call
//!
//! 1. [`pace`] says when calls are intended to start; the [`worker`] starts those that are due,
//!    and notes how late it was.
//! 2. [`agent::Agent::start_call`] runs the steps of a [`scenario::Program`] until it has to wait:
//!    messages are composed from their [`scenario::Template`] into the [`outbox::Outbox`].
//! 3. The worker sends the outbox, receives a batch, and gives each datagram to
//!    [`agent::Agent::handle_datagram`], which finds the call, sorts out repetitions and goes on
//!    with its steps. Timers come in by [`agent::Agent::handle_timeouts`].
//! 4. Once a second each worker hands over its [`measure::Interval`]. [`run`] adds them up, shows
//!    them ([`view`]) and makes of all of them a [`report::Report`].
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
