//! The sockets of a listen address: one for each worker, in one `SO_REUSEPORT` group.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;

use mio::net::UdpSocket;
use socket2::{Domain, Protocol, Socket, Type};
use thiserror::Error;

use super::UdpListener;
use crate::limits::SOCKET_BUFFER_BYTES;
use crate::mem::ListenerId;
use crate::protocol::Transport;
use crate::sys;

/// How the kernel picks the socket of a group, and with it the worker, for a datagram.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Steering {
    /// By a hash of addresses and ports: what one peer sends from one port stays in order at one
    /// worker.
    #[default]
    Hash,
    /// At random: one peer's traffic uses all workers.
    Spread,
}

/// A listen address cannot be used.
#[derive(Debug, Error)]
#[error("cannot listen on {}:{address}: {}", transport.name(), sys::reason(source))]
pub struct BindError {
    /// The transport.
    pub transport: Transport,
    /// The address.
    pub address: SocketAddr,
    /// What the system said.
    pub source: io::Error,
}

/// Binds `count` sockets to one address. Port 0 becomes one that the kernel picks, the same for
/// all of them.
///
/// # Errors
///
/// [`BindError`], also if any other process listens there, whoever's it is.
pub fn bind_group(
    id: ListenerId,
    address: SocketAddr,
    count: usize,
    steering: Steering,
) -> Result<Vec<UdpListener>, BindError> {
    open_group(id, address, count, steering).map_err(|source| BindError {
        transport: Transport::Udp,
        address,
        source,
    })
}

/// Binds `count` sockets that `open` gives to one address.
///
/// The first socket is bound alone, which fails if the port is taken, even by sockets that would
/// share it; only then is the group opened, for the others. `SO_REUSEPORT` from the start would
/// make two servers of the same user share their traffic without a word.
pub(super) fn bind_together(
    address: SocketAddr,
    count: usize,
    open: impl Fn(SocketAddr) -> io::Result<Socket>,
) -> io::Result<Vec<Socket>> {
    let first = open(address)?;
    first.bind(&address.into())?;
    first.set_reuse_port(true)?;
    let address = first.local_addr()?.as_socket().ok_or(io::ErrorKind::Unsupported)?;
    let mut sockets = vec![first];
    while sockets.len() < count {
        let next = open(address)?;
        next.set_reuse_port(true)?;
        next.bind(&address.into())?;
        sockets.push(next);
    }
    Ok(sockets)
}

/// As [`bind_group`].
fn open_group(
    id: ListenerId,
    address: SocketAddr,
    count: usize,
    steering: Steering,
) -> io::Result<Vec<UdpListener>> {
    let sockets = bind_together(address, count, open_socket)?;
    if steering == Steering::Spread && count > 1 {
        sys::spread_over_group(sockets[0].as_fd(), u32::try_from(count).unwrap_or(u32::MAX))?;
    }
    let listener = |socket: Socket| UdpListener::new(id, UdpSocket::from_std(socket.into()));
    sockets.into_iter().map(listener).collect()
}

/// A socket with everything set but its address.
fn open_socket(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    if address.ip().is_unspecified() {
        match address {
            SocketAddr::V4(_) => sys::tell_destination_v4(socket.as_fd())?,
            SocketAddr::V6(_) => sys::tell_destination_v6(socket.as_fd())?,
        }
    }
    sys::tell_overruns(socket.as_fd())?;
    // What an old kernel does not know is done without.
    let _ = sys::take_merged(socket.as_fd());
    socket.set_recv_buffer_size(SOCKET_BUFFER_BYTES)?;
    socket.set_send_buffer_size(SOCKET_BUFFER_BYTES)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket as StdSocket;

    use super::*;

    /// A group on a free port of loopback.
    fn group(count: usize, steering: Steering) -> Vec<UdpListener> {
        bind_group(ListenerId(0), "127.0.0.1:0".parse().unwrap(), count, steering).unwrap()
    }

    /// How many datagrams of `senders` sockets that each send `per_sender` end at each member.
    fn shares(group: &mut [UdpListener], senders: usize, per_sender: usize) -> Vec<usize> {
        let destination = group[0].local_address();
        for _ in 0..senders {
            let sender = StdSocket::bind("127.0.0.1:0").unwrap();
            for _ in 0..per_sender {
                sender.send_to(b"x", destination).unwrap();
            }
        }
        let mut slots = crate::mem::SlotPool::new(64, 0);
        let mut batch = sys::ReceiveBatch::new(64);
        let mut count_all = |listener: &mut UdpListener| {
            let mut total = 0;
            loop {
                let reception = listener.receive(&mut batch, &mut slots, 64);
                total += reception.count;
                if reception.drained {
                    return total;
                }
            }
        };
        group.iter_mut().map(&mut count_all).collect()
    }

    #[test]
    fn all_members_share_the_port_that_the_kernel_picked() {
        let group = group(3, Steering::Hash);
        assert_ne!(group[0].local_address().port(), 0);
        assert!(group.iter().all(|member| member.local_address() == group[0].local_address()));
    }

    #[test]
    fn a_taken_port_is_refused_even_if_its_owner_would_share_it() {
        let owner = group(2, Steering::Hash);
        let address = owner[0].local_address();
        let error = bind_group(ListenerId(1), address, 2, Steering::Hash).unwrap_err();
        let expected = format!("cannot listen on udp:{address}: Address already in use");
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn hash_steering_keeps_one_sender_together_and_spreads_many() {
        let mut members = group(4, Steering::Hash);
        let one = shares(&mut members, 1, 200);
        assert_eq!(one.iter().filter(|share| **share > 0).count(), 1, "{one:?}");
        let many = shares(&mut members, 200, 1);
        assert_eq!(many.iter().sum::<usize>(), 200);
        assert!(many.iter().all(|share| *share > 0), "{many:?}");
    }

    #[test]
    fn spread_steering_uses_all_members_for_one_sender() {
        let mut members = group(4, Steering::Spread);
        let one = shares(&mut members, 1, 200);
        assert_eq!(one.iter().sum::<usize>(), 200);
        assert!(one.iter().all(|share| *share > 0), "{one:?}");
    }
}
