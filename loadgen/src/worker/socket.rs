//! A worker's UDP sockets.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};

use mio::net::UdpSocket;
use mio::{Interest, Registry, Token};
use socket2::{Domain, Protocol, Type};
use thiserror::Error;
use viaduct::sys;

/// A socket that does not block.
#[derive(Debug)]
pub struct Socket {
    socket: UdpSocket,
    address: SocketAddr,
    /// Datagrams that it lost so far, as it told last.
    pub(super) overruns: u32,
    /// Whether there may be something to receive.
    pub(super) ready: bool,
}

/// An address cannot be used.
#[derive(Debug, Error)]
#[error("cannot use udp:{address}: {}", sys::reason(source))]
pub struct BindError {
    /// The address.
    pub address: SocketAddr,
    /// What the system said.
    pub source: io::Error,
}

/// What a socket's buffers are asked to hold: at 100,000 messages of 1 kB a second this bridges
/// 40 ms in which the worker does not run.
const BUFFER_BYTES: usize = 4 * 1024 * 1024;

impl Socket {
    /// A socket at `address`; port 0 becomes one that the kernel picks.
    ///
    /// # Errors
    ///
    /// [`BindError`]
    pub fn bind(address: SocketAddr) -> Result<Self, BindError> {
        let bind = || {
            let socket = open(address)?;
            socket.bind(&address.into())?;
            Self::around(socket)
        };
        bind().map_err(|source| BindError { address, source })
    }

    /// `count` sockets that share `address`; the kernel picks one for each peer.
    ///
    /// The first is bound alone, which fails if anyone else listens there; only then is the group
    /// opened for the others.
    ///
    /// # Errors
    ///
    /// [`BindError`]
    pub fn bind_group(address: SocketAddr, count: usize) -> Result<Vec<Self>, BindError> {
        let bind = || {
            let first = open(address)?;
            first.bind(&address.into())?;
            first.set_reuse_port(true)?;
            let mut group = vec![Self::around(first)?];
            let address = group[0].address;
            while group.len() < count {
                let next = open(address)?;
                next.set_reuse_port(true)?;
                next.bind(&address.into())?;
                group.push(Self::around(next)?);
            }
            Ok(group)
        };
        bind().map_err(|source| BindError { address, source })
    }

    /// Wraps a bound socket. It may have received already, so that it counts as ready.
    fn around(socket: socket2::Socket) -> io::Result<Self> {
        let socket = UdpSocket::from_std(socket.into());
        let address = socket.local_addr()?;
        Ok(Self { socket, address, overruns: 0, ready: true })
    }

    /// The address that it is bound to.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Has `registry` tell when something arrives.
    ///
    /// # Errors
    ///
    /// As `epoll_ctl`.
    pub(super) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        self.ready = true;
        registry.register(&mut self.socket, token, Interest::READABLE)
    }

    /// Has `registry` also tell when there is room to send, or no longer.
    ///
    /// # Errors
    ///
    /// As `epoll_ctl`.
    pub(super) fn watch_room(
        &mut self,
        registry: &Registry,
        token: Token,
        watch: bool,
    ) -> io::Result<()> {
        let interest =
            if watch { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
        registry.reregister(&mut self.socket, token, interest)
    }

    /// Has `registry` tell nothing more.
    ///
    /// # Errors
    ///
    /// As `epoll_ctl`.
    pub(super) fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        registry.deregister(&mut self.socket)
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// A socket with everything set but its address.
fn open(address: SocketAddr) -> io::Result<socket2::Socket> {
    let domain = Domain::for_address(address);
    let socket = socket2::Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    sys::tell_overruns(socket.as_fd())?;
    // What an old kernel does not know is done without.
    let _ = sys::take_merged(socket.as_fd());
    socket.set_recv_buffer_size(BUFFER_BYTES)?;
    socket.set_send_buffer_size(BUFFER_BYTES)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_shares_one_port_and_a_taken_one_is_refused() {
        let group = Socket::bind_group("127.0.0.1:0".parse().unwrap(), 3).unwrap();
        let address = group[0].address();
        assert_eq!(group.len(), 3);
        assert!(address.port() != 0 && group.iter().all(|member| member.address() == address));
        let error = Socket::bind_group(address, 2).unwrap_err().to_string();
        assert_eq!(error, format!("cannot use udp:{address}: Address already in use"));
    }
}
