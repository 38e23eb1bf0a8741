//! Addresses that nobody else uses.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A free UDP port on a loopback address that only this caller has.
pub(crate) fn free_address() -> SocketAddr {
    free_port(IpAddr::V4(own_ip()))
}

/// A UDP port that is free on `ip` now.
pub(crate) fn free_port(ip: IpAddr) -> SocketAddr {
    let _guard = no_fork();
    let socket = UdpSocket::bind((ip, 0)).expect("a free port");
    socket.local_addr().expect("the address of a bound socket")
}

/// Keeps programs from being started meanwhile: a child has copies of all sockets until it runs
/// its program, and would keep the port of one that is closed here.
pub(super) fn no_fork() -> MutexGuard<'static, ()> {
    static FORKS: Mutex<()> = Mutex::new(());
    FORKS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A loopback address of this call's own: 127, two bytes of the process id, a number.
pub(crate) fn own_ip() -> Ipv4Addr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    assert!(number < 255, "one test program has addresses for 254 servers");
    let [.., high, low] = std::process::id().to_be_bytes();
    // 127.0 stays free for phones and for whatever else runs on this machine.
    Ipv4Addr::new(127, 64 + high % 128, low, number)
}
