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
    /// Bytes of each of the datagrams that these bytes are, one behind the other, the last maybe
    /// shorter; none if they are one. Only of sockets that [`super::take_merged`].
    pub segment: Option<usize>,
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
            segment: told.segment.filter(|bytes| *bytes > 0),
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
    /// How many datagrams each header sends.
    counts: Vec<u16>,
    /// Whether neighbours may go as one that the kernel splits.
    merging: bool,
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
        Self { arrays: Arrays::new(capacity), counts: vec![0; capacity], merging: false }
    }

    /// Room for `capacity` datagrams. Neighbours of one length that go one way are given to the
    /// kernel as one, which it splits as late as it can (UDP segmentation offload): what a datagram
    /// costs on its way through the kernel is then paid once for all of them. What arrives is the
    /// same.
    #[must_use]
    pub fn merging(capacity: usize) -> Self {
        Self { merging: true, ..Self::new(capacity) }
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
        datagrams: impl Iterator<Item = Outgoing<'d>> + Clone,
    ) -> io::Result<usize> {
        let offered = self.offer(datagrams.clone());
        match self.give(socket, offered) {
            Err(error) if self.counts[0] > 1 && may_mean_unsplit(&error) => {
                self.merging = false;
                let offered = self.offer(datagrams);
                let result = self.give(socket, offered);
                // If it is refused in any case, it was not the merging.
                self.merging = result.is_err();
                result
            }
            result => result,
        }
    }

    /// Fills the arrays; how many headers.
    fn offer<'d>(&mut self, datagrams: impl Iterator<Item = Outgoing<'d>>) -> usize {
        let mut headers = 0;
        let mut group: Option<Group<'d>> = None;
        for (index, datagram) in datagrams.take(self.counts.len()).enumerate() {
            self.arrays.vectors[index] = libc::iovec {
                iov_base: datagram.bytes.as_ptr().cast_mut().cast(),
                iov_len: datagram.bytes.len(),
            };
            if let Some(group) = &mut group {
                if self.merging && group.takes(&datagram) {
                    group.add(&datagram);
                    continue;
                }
                self.set_header(headers, group);
                headers += 1;
            }
            group = Some(Group::of(datagram));
        }
        if let Some(group) = &group {
            self.set_header(headers, group);
            headers += 1;
        }
        self.arrays.set_vectors(&self.counts[..headers]);
        headers
    }

    /// Makes header `index` send a group.
    fn set_header(&mut self, index: usize, group: &Group<'_>) {
        self.counts[index] = group.count;
        self.arrays.set_header(index, group);
    }

    /// Gives the kernel the first `offered` headers; how many datagrams it took.
    fn give(&mut self, socket: BorrowedFd<'_>, offered: usize) -> io::Result<usize> {
        let offered = u32::try_from(offered).unwrap_or(u32::MAX);
        // Why: `send_to` cannot choose the local address, and a datagram of 700 bytes costs
        // 3.7 µs by it, 3.1 µs in a batch of 64 (benches/sockets.rs, loopback, 4 virtual cores,
        // Linux 6.18; with the way into the receiver's queue).
        // SAFETY: the first `offered` headers were set by `offer`, just before, and there are no
        // more than that. Each points to vectors, one address and one control block of `self`,
        // with the sizes that were written, and its vectors to bytes that are borrowed for longer
        // than this call. The kernel reads names, vectors, control blocks and bytes, and writes
        // only `msg_len` of the headers.
        let sent = unsafe {
            libc::sendmmsg(
                socket.as_raw_fd(),
                self.arrays.headers.as_mut_ptr(),
                offered,
                libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL,
            )
        };
        let sent = usize::try_from(sent).map_err(|_| io::Error::last_os_error())?;
        Ok(self.counts[..sent].iter().map(|count| usize::from(*count)).sum())
    }
}

/// Whether an error may mean that the kernel, or the interface on the way, cannot split.
fn may_mean_unsplit(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EINVAL | libc::EIO | libc::EMSGSIZE))
}

/// Datagrams that go as one.
struct Group<'d> {
    first: Outgoing<'d>,
    count: u16,
    /// Bytes of all of them.
    bytes: usize,
}

/// Most datagrams that the kernel splits one into (`UDP_MAX_SEGMENTS`, in older ones).
const SEGMENTS_MAX: u16 = 64;
/// Most bytes of what it splits: what fits an IP packet.
const SPLIT_BYTES_MAX: usize = 65_000;
/// Longest datagram that goes with others: what leaves an Ethernet whole.
const SEGMENT_BYTES_MAX: usize = 1_432;

impl<'d> Group<'d> {
    /// One datagram.
    const fn of(first: Outgoing<'d>) -> Self {
        Self { first, count: 1, bytes: first.bytes.len() }
    }

    /// Whether the next one can go with these: those before are all of one length, and this one
    /// is no longer.
    fn takes(&self, next: &Outgoing<'_>) -> bool {
        let length = self.first.bytes.len();
        self.bytes == length * usize::from(self.count)
            && (1..=length).contains(&next.bytes.len())
            && length <= SEGMENT_BYTES_MAX
            && self.count < SEGMENTS_MAX
            && self.bytes + next.bytes.len() <= SPLIT_BYTES_MAX
            && next.destination == self.first.destination
            && next.source == self.first.source
    }

    /// Adds it.
    const fn add(&mut self, next: &Outgoing<'_>) {
        self.count += 1;
        self.bytes += next.bytes.len();
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

    /// Makes header `index` send a group.
    fn set_header(&mut self, index: usize, group: &Group<'_>) {
        let (address, control) = (&mut self.addresses[index], &mut self.controls[index]);
        let mut length = group.first.source.map_or(0, |source| control.add_source(0, source));
        if group.count > 1 {
            // The bound of `takes` is far below.
            let bytes = u16::try_from(group.first.bytes.len()).unwrap_or(u16::MAX);
            length = control.add_segment(length, bytes);
        }
        self.headers[index].msg_hdr = libc::msghdr {
            msg_namelen: address.set(group.first.destination),
            msg_name: ptr::from_mut(address).cast(),
            msg_iov: ptr::null_mut(),
            msg_iovlen: usize::from(group.count),
            msg_control: ptr::from_mut(control).cast(),
            msg_controllen: length,
            msg_flags: 0,
        };
    }

    /// Gives each header its vectors, which lie in order.
    fn set_vectors(&mut self, counts: &[u16]) {
        let mut next = self.vectors.as_mut_ptr();
        for (header, count) in self.headers.iter_mut().zip(counts) {
            header.msg_hdr.msg_iov = next;
            next = next.wrapping_add(usize::from(*count));
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

    /// What arrives at `far` if `near` sends these, and how many headers that took.
    fn exchange(batch: &mut SendBatch, texts: &[&[u8]]) -> (Vec<Vec<u8>>, usize) {
        let (near, far) = pair();
        far.set_nonblocking(true).unwrap();
        let destination = far.local_addr().unwrap();
        let datagrams = texts.iter().map(|bytes| Outgoing { bytes, destination, source: None });
        let headers = batch.offer(datagrams.clone());
        assert_eq!(batch.send(near.as_fd(), datagrams).unwrap(), texts.len());
        let mut bytes = [0; 2_000];
        let next = || far.recv(&mut bytes).ok().map(|length| bytes[..length].to_vec());
        (std::iter::from_fn(next).collect(), headers)
    }

    #[test]
    fn neighbours_of_one_length_go_as_one_and_arrive_as_they_are() {
        let long = [b'l'; SEGMENT_BYTES_MAX + 1];
        let texts: [&[u8]; 12] =
            [b"a1", b"a2", b"a", b"b2", b"c", b"", b"", b"dd", b"ddd", &long, &long, b"end"];
        let (arrived, headers) = exchange(&mut SendBatch::merging(16), &texts);
        assert_eq!(arrived, texts);
        assert_eq!(headers, 9, "a1+a2+a, b2+c, -, -, dd, ddd, long, long, end");
        let (arrived, headers) = exchange(&mut SendBatch::new(16), &texts);
        assert_eq!((arrived.len(), headers), (12, 12));
    }

    #[test]
    fn a_group_is_no_larger_than_the_kernel_splits() {
        let segments = vec![&[b'x'; 100][..]; 2 * usize::from(SEGMENTS_MAX) + 1];
        let mut batch = SendBatch::merging(segments.len());
        let (arrived, headers) = exchange(&mut batch, &segments);
        assert_eq!((arrived.len(), headers), (segments.len(), 3));
        let wide = vec![&[b'x'; SEGMENT_BYTES_MAX][..]; 60];
        let (arrived, headers) = exchange(&mut SendBatch::merging(60), &wide);
        assert_eq!((arrived.len(), headers), (60, 2));
        assert!(batch.merging);
    }

    #[test]
    fn what_goes_different_ways_is_not_merged() {
        let (near, far) = pair();
        let other = UdpSocket::bind("127.0.0.1:0").unwrap();
        let outgoing = |to: &UdpSocket, source: Option<&str>| Outgoing {
            bytes: b"x",
            destination: to.local_addr().unwrap(),
            source: source.map(|source| source.parse().unwrap()),
        };
        let own = Some("127.0.0.1");
        let ways = [
            outgoing(&far, None),
            outgoing(&other, None),
            outgoing(&other, own),
            outgoing(&other, own),
        ];
        let mut batch = SendBatch::merging(8);
        assert_eq!(batch.offer(ways.into_iter()), 3);
        assert_eq!(batch.send(near.as_fd(), ways.into_iter()).unwrap(), 4);
        assert_eq!(batch.counts[..3], [1, 1, 2]);
    }

    #[test]
    fn where_nothing_can_be_split_all_go_one_by_one() {
        let (near, far) = pair();
        // The kernel splits nothing that leaves without a checksum.
        let option = (libc::SOL_SOCKET, libc::SO_NO_CHECK);
        super::super::option::set_option(near.as_fd(), option.0, option.1, &1).unwrap();
        let destination = far.local_addr().unwrap();
        let texts: [&[u8]; 3] = [b"one", b"two", b"six"];
        let datagrams = texts.iter().map(|bytes| Outgoing { bytes, destination, source: None });
        let mut batch = SendBatch::merging(4);
        assert_eq!(batch.offer(datagrams.clone()), 1);
        assert_eq!(batch.send(near.as_fd(), datagrams.clone()).unwrap(), 3);
        for text in texts {
            let mut bytes = [0; 10];
            assert_eq!(far.recv(&mut bytes).unwrap(), 3);
            assert_eq!(&bytes[..3], text);
        }
        assert_eq!(batch.offer(datagrams), 3, "it is not tried again");
    }

    #[test]
    fn a_refusal_that_has_other_reasons_does_not_end_the_merging() {
        let (near, far) = pair();
        let mut nowhere = far.local_addr().unwrap();
        nowhere.set_port(0);
        let datagram = Outgoing { bytes: b"x", destination: nowhere, source: None };
        let mut batch = SendBatch::merging(4);
        let sent = batch.send(near.as_fd(), std::iter::repeat_n(datagram, 3));
        assert_eq!(sent.unwrap_err().raw_os_error(), Some(libc::EINVAL));
        assert!(batch.merging);
    }

    #[test]
    fn a_socket_that_takes_merged_datagrams_gets_them_so() {
        let (near, far) = pair();
        super::super::take_merged(far.as_fd()).unwrap();
        let destination = far.local_addr().unwrap();
        let texts: [&[u8]; 4] = [b"aaa", b"bbb", b"cc", b"alone"];
        let datagrams = texts.iter().map(|bytes| Outgoing { bytes, destination, source: None });
        assert_eq!(SendBatch::merging(4).send(near.as_fd(), datagrams).unwrap(), 4);
        let mut memory = [0; 2 * 100];
        let mut batch = ReceiveBatch::new(2);
        let count = batch.receive(far.as_fd(), memory.chunks_exact_mut(100)).unwrap();
        let lengths = |index| {
            let arrival = batch.arrival(index);
            (arrival.length, arrival.segment)
        };
        assert_eq!((count, lengths(0), lengths(1)), (2, (8, Some(3)), (5, None)));
        assert_eq!(memory[..8], *b"aaabbbcc");
    }

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
