//! Many datagrams sent by one system call: `sendmmsg`.

#![expect(unsafe_code, reason = "the standard library sends one datagram a call")]

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

use super::address::RawAddress;
use super::control::Control;

/// Sends datagrams, up to a batch at a time. Its arrays are allocated once.
pub struct SendBatch {
    headers: Vec<libc::mmsghdr>,
    /// What the headers point to, one for each.
    entries: Vec<Entry>,
    /// The bytes of the datagrams, in order: as many as a header sends belong to it.
    vectors: Vec<libc::iovec>,
    /// Whether neighbours may go as one that the kernel splits.
    merging: bool,
}

/// A datagram to send.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'d> {
    /// Its bytes.
    pub bytes: &'d [u8],
    /// Where to.
    pub destination: &'d SocketAddr,
    /// The local address that it is to leave from, if the socket does not fix it.
    pub source: Option<&'d IpAddr>,
}

impl SendBatch {
    /// Room for `capacity` datagrams.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        let mut entries = vec![Entry::EMPTY; capacity];
        let headers = entries.iter_mut().map(Entry::header).collect();
        let vector = libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 };
        Self { headers, entries, vectors: vec![vector; capacity], merging: false }
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
            Err(error) if self.merging && self.may_be_unsplit(&error) => {
                self.send_one_by_one(socket, datagrams)
            }
            result => result,
        }
    }

    /// Whether an error may mean that the kernel, or the interface on the way, cannot split what
    /// it was given first.
    fn may_be_unsplit(&self, error: &io::Error) -> bool {
        let merged = self.headers.first().is_some_and(|header| header.msg_hdr.msg_iovlen > 1);
        merged && matches!(error.raw_os_error(), Some(libc::EINVAL | libc::EIO | libc::EMSGSIZE))
    }

    /// Sends without merging, and goes on so if that is taken.
    #[cold]
    fn send_one_by_one<'d>(
        &mut self,
        socket: BorrowedFd<'_>,
        datagrams: impl Iterator<Item = Outgoing<'d>>,
    ) -> io::Result<usize> {
        self.merging = false;
        let offered = self.offer(datagrams);
        let result = self.give(socket, offered);
        // If it is refused in any case, it was not the merging.
        self.merging = result.is_err();
        result
    }

    /// Fills the arrays.
    fn offer<'d>(&mut self, datagrams: impl Iterator<Item = Outgoing<'d>>) -> Offer {
        let most = if self.merging { SEGMENTS_MAX } else { 1 };
        let mut offer = Offer { headers: 0, datagrams: 0 };
        let mut rest = datagrams.zip(&mut self.vectors);
        let mut next = rest.next();
        for (header, entry) in self.headers.iter_mut().zip(&mut self.entries) {
            let Some((first, place)) = next else { break };
            *place = vector(first.bytes);
            header.msg_hdr.msg_iov = place;
            let mut group = Group::of(first, most);
            next = loop {
                match rest.next() {
                    Some((datagram, place)) if group.takes(&datagram) => {
                        *place = vector(datagram.bytes);
                        group.add(&datagram);
                    }
                    other => break other,
                }
            };
            entry.set(&group, &mut header.msg_hdr);
            offer.headers += 1;
            offer.datagrams += usize::from(group.count);
        }
        offer
    }

    /// Gives the kernel what is offered; how many datagrams it took.
    fn give(&mut self, socket: BorrowedFd<'_>, offer: Offer) -> io::Result<usize> {
        let headers = self.expose();
        // Why: `send_to` cannot choose the local address, and a datagram of 700 bytes costs
        // 3.7 µs by it, 3.1 µs in a batch of 64 (benches/sockets.rs, loopback, 4 virtual cores,
        // Linux 6.18; with the way into the receiver's queue). By its number, as in `receive`.
        // SAFETY: the headers of the offer were set by `offer`, just before. The kernel knows
        // addresses only, and those in the headers were exposed just now: each of one address and
        // one control block of `self`, written when `self` was made, which are never given more
        // room and so do not move, and of vectors of `self`; with the sizes that were written. The
        // vectors hold bytes that are borrowed for longer than this call, and were exposed when
        // these were set. The kernel reads all this, and writes only `msg_len` of the headers.
        let sent = unsafe {
            libc::syscall(
                libc::SYS_sendmmsg,
                socket.as_raw_fd(),
                headers,
                offer.headers as libc::c_uint,
                libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL,
            )
        };
        let sent = usize::try_from(sent).map_err(|_| io::Error::last_os_error())?;
        Ok(if sent == offer.headers { offer.datagrams } else { self.count(sent) })
    }

    /// The datagrams of the first `sent` headers.
    #[cold]
    fn count(&self, sent: usize) -> usize {
        self.headers[..sent].iter().map(|header| header.msg_hdr.msg_iovlen).sum()
    }

    /// Lets the kernel reach the arrays; the headers.
    fn expose(&mut self) -> *mut libc::mmsghdr {
        self.entries.as_mut_ptr().expose_provenance();
        self.vectors.as_mut_ptr().expose_provenance();
        self.headers.as_mut_ptr()
    }
}

/// What the arrays hold for the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Offer {
    headers: usize,
    datagrams: usize,
}

/// What a header points to, beside its vectors.
#[derive(Clone, Copy)]
struct Entry {
    address: RawAddress,
    control: Control,
}

impl Entry {
    /// One that says nothing.
    const EMPTY: Self = Self { address: RawAddress::EMPTY, control: Control::EMPTY };

    /// A header that points to it.
    fn header(&mut self) -> libc::mmsghdr {
        let msg_hdr = libc::msghdr {
            msg_name: ptr::from_mut(&mut self.address).cast(),
            msg_namelen: 0,
            msg_iov: ptr::null_mut(),
            msg_iovlen: 0,
            msg_control: ptr::from_mut(&mut self.control).cast(),
            msg_controllen: 0,
            msg_flags: 0,
        };
        libc::mmsghdr { msg_hdr, msg_len: 0 }
    }

    /// Says how a group goes, with its header, which has its vectors.
    fn set(&mut self, group: &Group<'_>, header: &mut libc::msghdr) {
        header.msg_namelen = self.address.set(group.first.destination);
        header.msg_iovlen = usize::from(group.count);
        header.msg_controllen = match group.first.source {
            None => 0,
            Some(source) => self.control.add_source(0, *source),
        };
        if group.count > 1 {
            // The bound of `takes` is far below.
            let bytes = u16::try_from(group.first.bytes.len()).unwrap_or(u16::MAX);
            header.msg_controllen = self.control.add_segment(header.msg_controllen, bytes);
        }
    }
}

/// The vector of these bytes.
fn vector(bytes: &[u8]) -> libc::iovec {
    bytes.as_ptr().expose_provenance();
    libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() }
}

/// Datagrams that go as one.
struct Group<'d> {
    first: Outgoing<'d>,
    count: u16,
    /// How many it may be.
    most: u16,
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
    /// One datagram, and so many at most.
    const fn of(first: Outgoing<'d>, most: u16) -> Self {
        let most = if first.bytes.len() <= SEGMENT_BYTES_MAX { most } else { 1 };
        Self { first, count: 1, most, bytes: first.bytes.len() }
    }

    /// Whether the next one can go with these.
    fn takes(&self, next: &Outgoing<'_>) -> bool {
        self.count < self.most
            && (1..=self.first.bytes.len()).contains(&next.bytes.len())
            && self.bytes + next.bytes.len() <= SPLIT_BYTES_MAX
            && next.destination == self.first.destination
            && next.source == self.first.source
    }

    /// Adds it. All are of one length but the last, which may be shorter.
    const fn add(&mut self, next: &Outgoing<'_>) {
        self.count += 1;
        self.bytes += next.bytes.len();
        if next.bytes.len() < self.first.bytes.len() {
            self.most = self.count;
        }
    }
}

impl std::fmt::Debug for SendBatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SendBatch").field("capacity", &self.headers.len()).finish()
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
        let datagrams =
            texts.iter().map(|bytes| Outgoing { bytes, destination: &destination, source: None });
        let headers = batch.offer(datagrams.clone()).headers;
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
        let ways = [far.local_addr().unwrap(), other.local_addr().unwrap()];
        let [far, other] = &ways;
        let outgoing = |destination, source| Outgoing { bytes: b"x", destination, source };
        let own = IpAddr::from([127, 0, 0, 1]);
        let own = Some(&own);
        let ways = [
            outgoing(far, None),
            outgoing(other, None),
            outgoing(other, own),
            outgoing(other, own),
        ];
        let mut batch = SendBatch::merging(8);
        assert_eq!(batch.offer(ways.into_iter()), Offer { headers: 3, datagrams: 4 });
        assert_eq!(batch.send(near.as_fd(), ways.into_iter()).unwrap(), 4);
        assert_eq!(batch.headers[2].msg_hdr.msg_iovlen, 2);
    }

    #[test]
    fn where_nothing_can_be_split_all_go_one_by_one() {
        let (near, far) = pair();
        // The kernel splits nothing that leaves without a checksum.
        let option = (libc::SOL_SOCKET, libc::SO_NO_CHECK);
        super::super::option::set_option(near.as_fd(), option.0, option.1, &1).unwrap();
        let destination = far.local_addr().unwrap();
        let texts: [&[u8]; 3] = [b"one", b"two", b"six"];
        let datagrams =
            texts.iter().map(|bytes| Outgoing { bytes, destination: &destination, source: None });
        let mut batch = SendBatch::merging(4);
        assert_eq!(batch.offer(datagrams.clone()).headers, 1);
        assert_eq!(batch.send(near.as_fd(), datagrams.clone()).unwrap(), 3);
        for text in texts {
            let mut bytes = [0; 10];
            assert_eq!(far.recv(&mut bytes).unwrap(), 3);
            assert_eq!(&bytes[..3], text);
        }
        assert_eq!(batch.offer(datagrams).headers, 3, "it is not tried again");
    }

    #[test]
    fn a_refusal_that_has_other_reasons_does_not_end_the_merging() {
        let (near, far) = pair();
        let mut nowhere = far.local_addr().unwrap();
        nowhere.set_port(0);
        let datagram = Outgoing { bytes: b"x", destination: &nowhere, source: None };
        let mut batch = SendBatch::merging(4);
        let sent = batch.send(near.as_fd(), std::iter::repeat_n(datagram, 3));
        assert_eq!(sent.unwrap_err().raw_os_error(), Some(libc::EINVAL));
        assert!(batch.merging);
    }

    /// Two sockets on loopback.
    fn pair() -> (UdpSocket, UdpSocket) {
        let bind = || UdpSocket::bind("127.0.0.1:0").unwrap();
        (bind(), bind())
    }

    #[test]
    fn no_more_is_sent_than_the_batch_holds() {
        let (near, far) = pair();
        let destination = far.local_addr().unwrap();
        let datagram = Outgoing { bytes: b"x", destination: &destination, source: None };
        let sent = SendBatch::new(2).send(near.as_fd(), std::iter::repeat_n(datagram, 5));
        assert_eq!(sent.unwrap(), 2);
    }
}
