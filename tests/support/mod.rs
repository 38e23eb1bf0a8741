//! The harness of the end-to-end tests: a server as a process of its own, phones that are plain
//! UDP sockets, and checks of what a proxy may change on one hop.
//!
//! Every server gets a loopback address that no other test has, so tests run side by side; waits
//! are for events and bounded. To check the expectations themselves, most flows also run against
//! Kamailio: `VIADUCT_FLOWS_PEER=kamailio cargo test --test flows`.

pub(crate) mod address;
pub(crate) mod dialog;
pub(crate) mod dns;
pub(crate) mod draft;
pub(crate) mod hop;
pub(crate) mod message;
pub(crate) mod phone;
pub(crate) mod process;
pub(crate) mod scripts;
pub(crate) mod server;
pub(crate) mod wire;

pub(crate) use address::free_address;
pub(crate) use dialog::Dialog;
pub(crate) use hop::{RequestHop, assert_response_hop};
pub(crate) use message::Message;
pub(crate) use phone::{Phone, barrier};
pub(crate) use server::{Server, differs_on_kamailio, kamailio_is_installed};

use std::time::Duration;

/// Says that a test is left out, and why.
#[expect(clippy::print_stdout, reason = "for whoever runs the tests")]
pub(crate) fn left_out(why: &str) {
    println!("left out: {why}");
}

/// How long anything may take before a test fails. Generous, as the machine may be busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
