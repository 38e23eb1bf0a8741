//! The helper threads: what may block is done here, never on a worker. One asks the resolver of
//! the system for host names (addresses only; no SRV or NAPTR records), one runs commands.

#![forbid(unsafe_code)]

mod commands;

use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::Arc;
use std::thread;

use crossbeam_channel::Receiver;

use crate::names::{HostAddresses, HostName, NameTable};

pub use commands::CommandRunner;

/// Starts the thread that answers the questions of `names`. `now_ms` reads the monotonic clock
/// (milliseconds). It ends with the process: a resolver may keep it for seconds.
///
/// # Errors
///
/// When the system gives no thread.
pub fn start(
    names: Arc<NameTable>,
    questions: Receiver<HostName>,
    now_ms: impl Fn() -> u64 + Send + 'static,
) -> io::Result<()> {
    let answer = move || {
        for name in questions {
            let addresses = resolve(&name);
            names.settle(&name, addresses, now_ms());
        }
    };
    thread::Builder::new().name("helper".to_owned()).spawn(answer).map(drop)
}

/// Asks the system for the addresses of a name; none if there are none or nobody answers.
fn resolve(name: &[u8]) -> HostAddresses {
    let mut addresses = HostAddresses::default();
    let text = std::str::from_utf8(name).unwrap_or_default();
    for address in (text, 0).to_socket_addrs().into_iter().flatten() {
        match address.ip() {
            IpAddr::V4(ip) => addresses.v4 = addresses.v4.or(Some(ip)),
            IpAddr::V6(ip) => addresses.v6 = addresses.v6.or(Some(ip)),
        }
    }
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn localhost_has_an_address_and_nonsense_has_none() {
        assert_ne!(resolve(b"localhost"), HostAddresses::default());
        assert_eq!(resolve(b"\xff"), HostAddresses::default());
        assert_eq!(resolve(b""), HostAddresses::default());
    }
}
