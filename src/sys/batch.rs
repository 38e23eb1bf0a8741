//! Many datagrams by one system call: `recvmmsg` and `sendmmsg`.

#![expect(unsafe_code, reason = "the standard library sends and receives one datagram a call")]

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

use super::address::RawAddress;
use super::control::Control;

/// Receives datagrams, up to a batch at a time. Its arrays are allocated once.
pub struct ReceiveBatch {
    arrays: Arrays,
}

/// What is known of a received datagram beside its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Bytes of the datagram that are in its landing.
    pub length: usize,
    /// Whether it was longer than the landing.
    pub truncated: bool,
    /// Who sent it; none if that is no IP address.
    pub source: Option<SocketAddr>,
    /// The address it was sent to, if the socket tells.
    pub local: Option<IpAddr>,
    /// Datagrams that this socket lost so far, modulo 2^32, if any and if the socket tells.
    pub overruns: Option<u32>,
}

impl ReceiveBatch {
    /// Room for `capacity` datagrams.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { arrays: Arrays::new(capacity) }
    }

    /// Receives what has arrived, one datagram into each of the `landings`, and does not wait.
    /// Gives how many there were; fewer than there are landings means that the queue was found
    /// empty.
    ///
    /// # Errors
    ///
    /// As `recvmmsg`; `WouldBlock` if nothing has arrived.
    pub fn receive<'l>(
        &mut self,
        socket: BorrowedFd<'_>,
        landings: impl Iterator<Item = &'l mut [u8]>,
    ) -> io::Result<usize> {
        let mut asked = 0;
        for (entry, landing) in self.arrays.entries().zip(landings) {
            *entry.vector =
                libc::iovec { iov_base: landing.as_mut_ptr().cast(), iov_len: landing.len() };
            entry.header.msg_hdr = libc::msghdr {
                msg_name: ptr::from_mut(entry.address).cast(),
                msg_namelen: RawAddress::CAPACITY,
                msg_iov: entry.vector,
                msg_iovlen: 1,
                msg_control: ptr::from_mut(entry.control).cast(),
                msg_controllen: Control::CAPACITY,
                msg_flags: 0,
            };
            asked += 1;
        }
        // Why: `recv_from` tells neither the local address nor what was lost, and a datagram of
        // 700 bytes costs 870 ns by it, 720 ns in a batch of 64 (benches/sockets.rs, loopback,
        // 4 virtual cores, Linux 6.18).
        // SAFETY: the first `asked` headers were set in this call. Each points to one vector,
        // one address and one control block of `self`, with their true sizes, and its vector to
        // a landing that is borrowed for longer than this call. All are distinct, and nothing
        // else touches them before the call returns.
        let received = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                self.arrays.headers.as_mut_ptr(),
                asked,
                libc::MSG_DONTWAIT,
                ptr::null_mut(),
            )
        };
        usize::try_from(received).map_err(|_| io::Error::last_os_error())
    }

    /// What is known of datagram `index` of the last batch.
    ///
    /// # Panics
    ///
    /// If `index` is not below the capacity.
    #[must_use]
    pub fn arrival(&self, index: usize) -> Arrival {
        let entry = &self.arrays.headers[index];
        let told = self.arrays.controls[index].read(entry.msg_hdr.msg_controllen);
        Arrival {
            length: entry.msg_len as usize,
            truncated: entry.msg_hdr.msg_flags & libc::MSG_TRUNC != 0,
            source: self.arrays.addresses[index].read(entry.msg_hdr.msg_namelen),
            local: told.local,
            overruns: told.overruns,
        }
    }
}

/// Sends datagrams, up to a batch at a time. Its arrays are allocated once.
pub struct SendBatch {
    arrays: Arrays,
}

/// A datagram to send.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'d> {
    /// Its bytes.
    pub bytes: &'d [u8],
    /// Where to.
    pub destination: SocketAddr,
    /// The local address that it is to leave from, if the socket does not fix it.
    pub source: Option<IpAddr>,
}

impl SendBatch {
    /// Room for `capacity` datagrams.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { arrays: Arrays::new(capacity) }
    }

    /// Sends the first of `datagrams`, as many as there is room for in the batch and in the
    /// socket's buffer, and does not wait. Gives how many were taken.
    ///
    /// # Errors
    ///
    /// As `sendmmsg`: why the *first* datagram was not taken. `WouldBlock` if the socket's
    /// buffer is full.
    pub fn send<'d>(
        &mut self,
        socket: BorrowedFd<'_>,
        datagrams: impl Iterator<Item = Outgoing<'d>>,
    ) -> io::Result<usize> {
        let mut offered = 0;
        for (entry, datagram) in self.arrays.entries().zip(datagrams) {
            *entry.vector = libc::iovec {
                iov_base: datagram.bytes.as_ptr().cast_mut().cast(),
                iov_len: datagram.bytes.len(),
            };
            let control_length =
                datagram.source.map_or(0, |source| entry.control.set_source(source));
            entry.header.msg_hdr = libc::msghdr {
                msg_namelen: entry.address.set(datagram.destination),
                msg_name: ptr::from_mut(entry.address).cast(),
                msg_iov: entry.vector,
                msg_iovlen: 1,
                msg_control: ptr::from_mut(entry.control).cast(),
                msg_controllen: control_length,
                msg_flags: 0,
            };
            offered += 1;
        }
        // Why: `send_to` cannot choose the local address, and a datagram of 700 bytes costs
        // 3.7 µs by it, 3.1 µs in a batch of 64 (benches/sockets.rs, loopback, 4 virtual cores,
        // Linux 6.18; with the way into the receiver's queue).
        // SAFETY: the first `offered` headers were set in this call. Each points to one vector,
        // one address and one control block of `self`, with the sizes that were written, and
        // its vector to bytes that are borrowed for longer than this call. The kernel reads
        // names, vectors, control blocks and bytes, and writes only `msg_len` of the headers.
        let sent = unsafe {
            libc::sendmmsg(
                socket.as_raw_fd(),
                self.arrays.headers.as_mut_ptr(),
                offered,
                libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL,
            )
        };
        usize::try_from(sent).map_err(|_| io::Error::last_os_error())
    }
}

/// The arrays that the calls work on; entry by entry they belong together.
///
/// Pointers between them are set anew by each call and never used beyond it, so that the arrays
/// may move and be borrowed freely in between.
struct Arrays {
    headers: Vec<libc::mmsghdr>,
    vectors: Vec<libc::iovec>,
    addresses: Vec<RawAddress>,
    controls: Vec<Control>,
}

/// What belongs to one datagram.
struct Entry<'a> {
    header: &'a mut libc::mmsghdr,
    vector: &'a mut libc::iovec,
    address: &'a mut RawAddress,
    control: &'a mut Control,
}

impl Arrays {
    /// Arrays of `capacity` entries.
    fn new(capacity: usize) -> Self {
        let vector = libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 };
        let header = libc::mmsghdr {
            msg_hdr: libc::msghdr {
                msg_name: ptr::null_mut(),
                msg_namelen: 0,
                msg_iov: ptr::null_mut(),
                msg_iovlen: 0,
                msg_control: ptr::null_mut(),
                msg_controllen: 0,
                msg_flags: 0,
            },
            msg_len: 0,
        };
        Self {
            headers: vec![header; capacity],
            vectors: vec![vector; capacity],
            addresses: vec![RawAddress::EMPTY; capacity],
            controls: vec![Control::EMPTY; capacity],
        }
    }

    /// All entries in order.
    fn entries(&mut self) -> impl Iterator<Item = Entry<'_>> {
        self.headers
            .iter_mut()
            .zip(&mut self.vectors)
            .zip(&mut self.addresses)
            .zip(&mut self.controls)
            .map(|(((header, vector), address), control)| Entry {
                header,
                vector,
                address,
                control,
            })
    }
}

impl std::fmt::Debug for ReceiveBatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReceiveBatch").field("capacity", &self.arrays.headers.len()).finish()
    }
}

impl std::fmt::Debug for SendBatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SendBatch").field("capacity", &self.arrays.headers.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;
    use std::os::fd::AsFd;

    use super::*;

    /// Two sockets on loopback.
    fn pair() -> (UdpSocket, UdpSocket) {
        let bind = || UdpSocket::bind("127.0.0.1:0").unwrap();
        (bind(), bind())
    }

    #[test]
    fn a_batch_arrives_in_order_with_lengths_and_sources() {
        let (near, far) = pair();
        let destination = far.local_addr().unwrap();
        let texts: [&[u8]; 4] = [b"one", b"", b"three", b"four"];
        let datagrams = texts.iter().map(|bytes| Outgoing { bytes, destination, source: None });
        assert_eq!(SendBatch::new(8).send(near.as_fd(), datagrams).unwrap(), 4);

        let mut memory = vec![0; 8 * 100];
        let mut batch = ReceiveBatch::new(8);
        let count = batch.receive(far.as_fd(), memory.chunks_exact_mut(100)).unwrap();
        assert_eq!(count, 4);
        for (index, text) in texts.iter().enumerate() {
            let arrival = batch.arrival(index);
            assert_eq!(&memory[index * 100..][..arrival.length], *text);
            assert_eq!(arrival.source, Some(near.local_addr().unwrap()));
            assert!(!arrival.truncated);
        }
        let error = batch.receive(far.as_fd(), memory.chunks_exact_mut(100)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn a_datagram_longer_than_its_landing_is_marked() {
        let (near, far) = pair();
        near.send_to(b"twelve bytes", far.local_addr().unwrap()).unwrap();
        let mut memory = [0; 5];
        let mut batch = ReceiveBatch::new(1);
        let landings = std::iter::once(&mut memory[..]);
        assert_eq!(batch.receive(far.as_fd(), landings).unwrap(), 1);
        assert!(batch.arrival(0).truncated);
        assert_eq!(batch.arrival(0).length, 5);
    }

    #[test]
    fn no_more_is_sent_than_the_batch_holds() {
        let (near, far) = pair();
        let destination = far.local_addr().unwrap();
        let datagram = Outgoing { bytes: b"x", destination, source: None };
        let sent = SendBatch::new(2).send(near.as_fd(), std::iter::repeat_n(datagram, 5));
        assert_eq!(sent.unwrap(), 2);
    }
}
