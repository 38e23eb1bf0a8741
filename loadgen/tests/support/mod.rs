//! The harness of the tests that make real traffic: viaload as a process of its own, foreign
//! servers as peers, and a proxy that loses and delays what it is told to.
//!
//! Waits are for events and bounded; every server gets a loopback address of its own.

#[path = "../../../tests/support/address.rs"]
pub(crate) mod address;
pub(crate) mod kamailio;
#[path = "../../../tests/support/process.rs"]
pub(crate) mod process;
pub(crate) mod program;
pub(crate) mod proxy_double;
pub(crate) mod sipp;
pub(crate) mod viaduct;
pub(crate) mod viaload;

pub(crate) use address::free_address;
pub(crate) use kamailio::Kamailio;
pub(crate) use proxy_double::{Fate, Passing, ProxyDouble};
pub(crate) use sipp::Callee;
pub(crate) use viaduct::Viaduct;
pub(crate) use viaload::{Answering, Outcome, Running, assert_all_completed, run};

use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long anything may take before a test fails. Generous, as the machine may be busy, and a
/// call that gets no answer is given up after 32 s (RFC 3261 §17.1.2.2, 64 × T1).
pub(crate) const PATIENCE: Duration = Duration::from_secs(150);

/// Says that a test is left out, and why.
#[expect(clippy::print_stderr, reason = "for whoever runs the tests")]
pub(crate) fn left_out(why: &str) {
    eprintln!("left out: {why}");
}

/// The machine, for as long as the guard lives: ten thousand calls beside ten thousand others
/// say nothing about either.
pub(crate) fn machine() -> MutexGuard<'static, ()> {
    static MACHINE: Mutex<()> = Mutex::new(());
    MACHINE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until a server that does not say so has a UDP socket at `address`, by `probe`, which it
/// must be able to pass over: the kernel refuses the datagram until the socket is there.
pub(crate) fn wait_until_bound(address: SocketAddr, probe: &[u8], is_alive: impl Fn() -> bool) {
    const PROBES_MAX: u32 = 2_000;
    let socket = UdpSocket::bind((address.ip(), 0)).expect("a free port");
    socket.connect(address).expect("a loopback address");
    let pause = Some(Duration::from_millis(50));
    socket.set_read_timeout(pause).expect("a timeout");
    // Nothing ever comes to this one: waiting for it is the pause between refused probes.
    let silent = UdpSocket::bind((address.ip(), 0)).expect("a free port");
    silent.set_read_timeout(Some(Duration::from_millis(5))).expect("a timeout");
    for _ in 0..PROBES_MAX {
        let sent = socket.send(probe);
        match sent.and_then(|_| socket.recv(&mut [0; 2_048])) {
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                // Whichever way it ends, the next probe follows.
                let _ = silent.recv(&mut [0; 1]);
            }
            _ => return,
        }
        assert!(is_alive(), "the server at {address} has ended");
    }
    panic!("nothing listens at {address}");
}
