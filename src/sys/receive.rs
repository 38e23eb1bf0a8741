//! Many datagrams received by one system call: `recvmmsg`.

#![expect(unsafe_code, reason = "the standard library receives one datagram a call")]

use std::io;
use std::net::SocketAddr;
use std::ops::Range;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

use super::address::RawAddress;
use super::control::{Control, Told};

/// Receives datagrams, up to a batch at a time.
///
/// Its arrays are allocated once, and stay as they are from call to call but for what the kernel
/// has written: a landing that is offered and not filled costs nothing.
pub struct ReceiveBatch {
    headers: Vec<libc::mmsghdr>,
    /// What the headers point to, one for each.
    entries: Vec<Entry>,
    /// The landings that the entries point to.
    ground: Ground,
    /// Headers that the kernel may have written to.
    written: usize,
}

/// Where datagrams are received into: one into each stretch of a memory.
#[derive(Debug)]
pub struct Landings<'m> {
    memory: &'m mut [u8],
    ground: Ground,
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
}

impl<'m> Landings<'m> {
    /// Each of the stretches of so many bytes is one.
    #[must_use]
    pub fn new(memory: &'m mut [u8], stretch: usize) -> Self {
        Self::within(memory, stretch, 0..stretch)
    }

    /// That part of each of the stretches is one.
    ///
    /// # Panics
    ///
    /// If there is no such part.
    #[must_use]
    pub fn within(memory: &'m mut [u8], stretch: usize, part: Range<usize>) -> Self {
        assert!(part.start <= part.end && part.end <= stretch, "a part of the stretch");
        let ground = Ground {
            address: memory.as_mut_ptr().expose_provenance(),
            bytes: memory.len(),
            stretch,
            start: part.start,
            end: part.end,
        };
        Self { memory, ground }
    }
}

impl ReceiveBatch {
    /// Room for `capacity` datagrams.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        let mut batch = Self {
            headers: Vec::with_capacity(capacity),
            entries: vec![Entry::EMPTY; capacity],
            ground: Ground::default(),
            written: 0,
        };
        for entry in &mut batch.entries {
            batch.headers.push(entry.header());
        }
        batch
    }

    /// Receives what has arrived, one datagram into each of the first `wanted` landings, and does
    /// not wait. Gives how many there were; fewer than `wanted`, if that is no more than there is
    /// room for, means that the queue was found empty.
    ///
    /// # Errors
    ///
    /// As `recvmmsg`; `WouldBlock` if nothing has arrived.
    pub fn receive(
        &mut self,
        socket: BorrowedFd<'_>,
        landings: Landings<'_>,
        wanted: usize,
    ) -> io::Result<usize> {
        if self.ground != landings.ground {
            self.settle(&landings);
        }
        self.renew();
        let asked = wanted.min(landings.ground.count()).min(self.headers.len());
        let headers = self.expose(landings.memory);
        // Why: `recv_from` tells neither the local address nor what was lost, and a datagram of
        // 700 bytes costs 870 ns by it, 720 ns in a batch of 64 (benches/sockets.rs, loopback,
        // 4 virtual cores, Linux 6.18). By its number, as the library's function allows for an end
        // of the thread meanwhile, which takes two locked instructions each time.
        // SAFETY: `asked` is no more than there are headers. The kernel knows addresses only, and
        // those in the headers were exposed just now, each by whom it was borrowed of for longer
        // than this call. Each header holds those of one vector, one address and one control block
        // of `self`, with their true sizes: they were written when `self` was made, its vectors are
        // never given more room and so do not move, and what the kernel has changed of the sizes
        // was renewed. Each vector holds a landing: `settle` wrote it for a memory at this address
        // and of this length. All are distinct, and nothing else touches them before the call
        // returns.
        let received = unsafe {
            libc::syscall(
                libc::SYS_recvmmsg,
                socket.as_raw_fd(),
                headers,
                asked as libc::c_uint,
                libc::MSG_DONTWAIT,
                ptr::null_mut::<libc::timespec>(),
            )
        };
        let received = usize::try_from(received).map_err(|_| io::Error::last_os_error());
        // One more may have been begun.
        self.written = received.as_ref().map_or(1, |count| count + 1);
        received
    }

    /// What is known of datagram `index` of the last batch.
    ///
    /// # Panics
    ///
    /// If `index` is not below the capacity.
    #[inline]
    #[must_use]
    pub fn arrival(&self, index: usize) -> Arrival {
        let (header, entry) = (&self.headers[index], &self.entries[index]);
        Arrival {
            length: header.msg_len as usize,
            truncated: header.msg_hdr.msg_flags & libc::MSG_TRUNC != 0,
            source: entry.address.read(header.msg_hdr.msg_namelen),
        }
    }

    /// What else the kernel told of datagram `index` of the last batch, if anything.
    ///
    /// # Panics
    ///
    /// If `index` is not below the capacity.
    #[inline]
    #[must_use]
    pub fn told(&self, index: usize) -> Option<Told> {
        match self.headers[index].msg_hdr.msg_controllen {
            0 => None,
            length => Some(self.entries[index].control.read(length)),
        }
    }

    /// Has the vectors lead to these landings.
    #[cold]
    fn settle(&mut self, landings: &Landings<'_>) {
        self.ground = landings.ground;
        let Ground { stretch, start, end, .. } = self.ground;
        let address = landings.memory.as_ptr().cast_mut();
        for (number, entry) in self.entries.iter_mut().take(self.ground.count()).enumerate() {
            let landing = address.wrapping_add(number * stretch + start);
            entry.vector = libc::iovec { iov_base: landing.cast(), iov_len: end - start };
        }
    }

    /// Says the sizes anew in whose place the kernel wrote others.
    fn renew(&mut self) {
        let written = self.written.min(self.headers.len());
        for header in &mut self.headers[..written] {
            header.msg_hdr.msg_namelen = RawAddress::CAPACITY;
            header.msg_hdr.msg_controllen = Control::CAPACITY;
        }
    }

    /// Lets the kernel reach the arrays and that memory; the headers.
    fn expose(&mut self, memory: &mut [u8]) -> *mut libc::mmsghdr {
        let memory = memory.as_mut_ptr();
        memory.expose_provenance();
        if let Some(entry) = self.entries.first_mut() {
            // The same address as before, by the present borrow: nobody may take the memory for
            // one that the call does not change.
            entry.vector.iov_base = memory.wrapping_add(self.ground.start).cast();
        }
        self.entries.as_mut_ptr().expose_provenance();
        self.headers.as_mut_ptr()
    }
}

/// What a header points to.
#[derive(Clone, Copy)]
struct Entry {
    vector: libc::iovec,
    address: RawAddress,
    control: Control,
}

impl Entry {
    /// One that leads nowhere.
    const EMPTY: Self = Self {
        vector: libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 },
        address: RawAddress::EMPTY,
        control: Control::EMPTY,
    };

    /// A header that points to it.
    fn header(&mut self) -> libc::mmsghdr {
        let msg_hdr = libc::msghdr {
            msg_name: ptr::from_mut(&mut self.address).cast(),
            msg_namelen: RawAddress::CAPACITY,
            msg_iov: &raw mut self.vector,
            msg_iovlen: 1,
            msg_control: ptr::from_mut(&mut self.control).cast(),
            msg_controllen: Control::CAPACITY,
            msg_flags: 0,
        };
        libc::mmsghdr { msg_hdr, msg_len: 0 }
    }
}

/// Where a memory is and how landings lie in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Ground {
    address: usize,
    bytes: usize,
    stretch: usize,
    /// The part of each stretch.
    start: usize,
    end: usize,
}

impl Ground {
    /// How many landings.
    const fn count(&self) -> usize {
        match self.bytes.checked_div(self.stretch) {
            Some(count) => count,
            None => 0,
        }
    }
}

impl std::fmt::Debug for ReceiveBatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReceiveBatch").field("capacity", &self.headers.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;
    use std::os::fd::AsFd;

    use super::super::{Outgoing, SendBatch};
    use super::*;

    #[test]
    fn a_socket_that_takes_merged_datagrams_gets_them_so() {
        let (near, far) = pair();
        super::super::take_merged(far.as_fd()).unwrap();
        let destination = far.local_addr().unwrap();
        let texts: [&[u8]; 4] = [b"aaa", b"bbb", b"cc", b"alone"];
        let datagrams =
            texts.iter().map(|bytes| Outgoing { bytes, destination: &destination, source: None });
        assert_eq!(SendBatch::merging(4).send(near.as_fd(), datagrams).unwrap(), 4);
        let mut memory = [0; 2 * 100];
        let mut batch = ReceiveBatch::new(2);
        let count = batch.receive(far.as_fd(), Landings::new(&mut memory, 100), 2).unwrap();
        let lengths = |index| {
            let arrival = batch.arrival(index);
            (arrival.length, batch.told(index).and_then(|told| told.segment))
        };
        assert_eq!((count, lengths(0), lengths(1)), (2, (8, Some(3)), (5, None)));
        assert_eq!(memory[..8], *b"aaabbbcc");
    }

    #[test]
    fn a_batch_arrives_in_order_with_lengths_and_sources() {
        let (near, far) = pair();
        let destination = far.local_addr().unwrap();
        let texts: [&[u8]; 4] = [b"one", b"", b"three", b"four"];
        let datagrams =
            texts.iter().map(|bytes| Outgoing { bytes, destination: &destination, source: None });
        assert_eq!(SendBatch::new(8).send(near.as_fd(), datagrams).unwrap(), 4);

        let mut memory = vec![0; 8 * 100];
        let mut batch = ReceiveBatch::new(8);
        let count = batch.receive(far.as_fd(), Landings::new(&mut memory, 100), 8).unwrap();
        assert_eq!(count, 4);
        for (index, text) in texts.iter().enumerate() {
            let arrival = batch.arrival(index);
            assert_eq!(&memory[index * 100..][..arrival.length], *text);
            assert_eq!(arrival.source, Some(near.local_addr().unwrap()));
            assert!(!arrival.truncated);
        }
        let error = batch.receive(far.as_fd(), Landings::new(&mut memory, 100), 8).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn a_batch_is_as_good_the_next_time_and_in_another_memory() {
        let (near, far) = pair();
        super::super::take_merged(far.as_fd()).unwrap();
        let destination = far.local_addr().unwrap();
        let mut memories = [[0; 3 * 100], [0; 3 * 100]];
        let mut batch = ReceiveBatch::new(3);
        for (turn, text) in [b"one", b"two", b"six", b"ten"].iter().enumerate() {
            let datagram = Outgoing { bytes: *text, destination: &destination, source: None };
            let sent =
                SendBatch::merging(2).send(near.as_fd(), std::iter::repeat_n(datagram, 2)).unwrap();
            assert_eq!(sent, 2);
            let memory = &mut memories[turn / 2];
            let landings = Landings::within(memory, 100, 10..90);
            assert_eq!(batch.receive(far.as_fd(), landings, 3).unwrap(), 1);
            assert_eq!(memory[10..16], [text[0], text[1], text[2], text[0], text[1], text[2]]);
            let arrival = batch.arrival(0);
            assert_eq!((arrival.length, batch.told(0).unwrap().segment), (6, Some(3)));
            assert_eq!(arrival.source, Some(near.local_addr().unwrap()));
        }
        assert_eq!(memories[0][10..13], *b"two", "left alone later");
    }

    #[test]
    fn no_more_lands_than_is_wanted_or_there_is_memory_for() {
        let (near, far) = pair();
        far.set_nonblocking(true).unwrap();
        for _ in 0..6 {
            near.send_to(b"x", far.local_addr().unwrap()).unwrap();
        }
        let mut memory = [0; 10];
        let mut batch = ReceiveBatch::new(3);
        for (stretch, wanted, count) in [(3, 1, 1), (4, 9, 2), (1, 9, 3), (11, 9, 0)] {
            let landings = Landings::new(&mut memory, stretch);
            assert_eq!(batch.receive(far.as_fd(), landings, wanted).unwrap(), count);
        }
    }

    #[test]
    fn a_datagram_longer_than_its_landing_is_marked() {
        let (near, far) = pair();
        near.send_to(b"twelve bytes", far.local_addr().unwrap()).unwrap();
        let mut memory = [0; 5];
        let mut batch = ReceiveBatch::new(1);
        let landings = Landings::new(&mut memory, 5);
        assert_eq!(batch.receive(far.as_fd(), landings, 1).unwrap(), 1);
        assert!(batch.arrival(0).truncated);
        assert_eq!(batch.arrival(0).length, 5);
    }

    /// Two sockets on loopback.
    fn pair() -> (UdpSocket, UdpSocket) {
        let bind = || UdpSocket::bind("127.0.0.1:0").unwrap();
        (bind(), bind())
    }
}
