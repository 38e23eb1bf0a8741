//! A worker's socket at one listen address.

use std::io;
use std::net::SocketAddr;

use mio::net::{TcpListener, TcpStream};
use socket2::{Domain, Protocol, Socket, Type};

use crate::limits::CONNECTION_BACKLOG;
use crate::mem::ListenerId;
use crate::protocol::{Endpoint, Transport};
use crate::transport::BindError;
use crate::transport::group::bind_together;

/// One listening socket, one of the group of its listen address.
#[derive(Debug)]
pub struct StreamListener {
    id: ListenerId,
    transport: Transport,
    pub(super) socket: TcpListener,
    local: SocketAddr,
    /// Whether somebody may wait to be accepted.
    pub(super) has_callers: bool,
}

impl StreamListener {
    /// Which listen address this is.
    #[must_use]
    pub const fn id(&self) -> ListenerId {
        self.id
    }

    /// What is spoken on its connections.
    #[must_use]
    pub const fn transport(&self) -> Transport {
        self.transport
    }

    /// The address that it is bound to.
    #[must_use]
    pub const fn local_address(&self) -> SocketAddr {
        self.local
    }

    /// The next connection, who opened it, and to which address.
    pub(super) fn accept(&self) -> io::Result<(TcpStream, SocketAddr, SocketAddr)> {
        let (socket, peer) = self.socket.accept()?;
        let any = self.local.ip().is_unspecified();
        let local = if any { socket.local_addr()? } else { self.local };
        Ok((socket, peer, local))
    }
}

/// Binds `count` listening sockets to one address. Port 0 becomes one that the kernel picks, the
/// same for all of them.
///
/// # Errors
///
/// [`BindError`], also if any other process listens there, whoever's it is.
pub fn bind_streams(
    id: ListenerId,
    Endpoint { transport, address }: Endpoint,
    count: usize,
) -> Result<Vec<StreamListener>, BindError> {
    let open = || {
        let sockets = bind_together(address, count, open_socket)?;
        let listener = |socket: Socket| {
            socket.listen(CONNECTION_BACKLOG)?;
            let socket = TcpListener::from_std(socket.into());
            let local = socket.local_addr()?;
            Ok(StreamListener { id, transport, socket, local, has_callers: true })
        };
        sockets.into_iter().map(listener).collect::<io::Result<_>>()
    };
    open().map_err(|source| BindError { transport, address, source })
}

/// A socket with everything set but its address.
fn open_socket(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    // Connections of the last run that the kernel still remembers must not keep the port.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream as StdStream;

    use super::*;

    /// A group of so many at that address.
    fn group(address: SocketAddr, count: usize) -> Result<Vec<StreamListener>, BindError> {
        let endpoint = Endpoint { transport: Transport::Tcp, address };
        bind_streams(ListenerId(3), endpoint, count)
    }

    #[test]
    fn all_members_share_the_port_that_the_kernel_picked() {
        let members = group("127.0.0.1:0".parse().unwrap(), 3).unwrap();
        let address = members[0].local_address();
        assert_ne!(address.port(), 0);
        assert!(members.iter().all(|member| member.local_address() == address));
        assert!(members.iter().all(|member| member.id() == ListenerId(3)));
        let error = group(address, 2).unwrap_err();
        let expected = format!("cannot listen on tcp:{address}: Address already in use");
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn the_address_that_a_peer_connected_to_is_known_at_the_wildcard_too() {
        let members = group("0.0.0.0:0".parse().unwrap(), 1).unwrap();
        let port = members[0].local_address().port();
        let target = SocketAddr::new("127.0.0.7".parse().unwrap(), port);
        let caller = StdStream::connect(target).unwrap();
        let (_, peer, local) = loop {
            match members[0].accept() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                accepted => break accepted.unwrap(),
            }
        };
        assert_eq!((peer, local), (caller.local_addr().unwrap(), target));
    }
}
