//! What is to be written to a connection.

use super::session::Session;
use std::io::{self, Write};

/// Messages that wait to be written, back to back.
#[derive(Debug, Default)]
pub(super) struct WriteQueue {
    bytes: Vec<u8>,
    /// How many octets of them are written.
    written: usize,
    /// Messages added since it was empty.
    message_count: u64,
}

impl WriteQueue {
    /// Octets that wait.
    pub(super) const fn len(&self) -> usize {
        self.bytes.len() - self.written
    }

    /// Messages that are not known to be written whole.
    pub(super) const fn message_count(&self) -> u64 {
        self.message_count
    }

    /// Whether it has no memory yet: [`Self::lend`] gives it some.
    pub(super) const fn is_bare(&self) -> bool {
        self.bytes.capacity() == 0
    }

    /// Gives it memory to use.
    pub(super) fn lend(&mut self, memory: Vec<u8>) {
        self.bytes = memory;
    }

    /// Takes its memory back if nothing waits.
    pub(super) fn take_back(&mut self) -> Option<Vec<u8>> {
        (self.len() == 0 && !self.is_bare()).then(|| {
            self.written = 0;
            std::mem::take(&mut self.bytes)
        })
    }

    /// Forgets all: how many octets and messages.
    pub(super) fn give_up(&mut self) -> (usize, u64) {
        let given_up = (self.len(), self.message_count);
        self.bytes.clear();
        (self.written, self.message_count) = (0, 0);
        given_up
    }

    /// Adds a message.
    pub(super) fn push(&mut self, message: &[u8]) {
        self.message_count += 1;
        self.push_aside(message);
    }

    /// Adds something that is no message.
    pub(super) fn push_aside(&mut self, bytes: &[u8]) {
        if self.written >= self.bytes.len().max(COMPACT_BYTES) / 2 {
            self.bytes.drain(..self.written);
            self.written = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Writes as much as is taken; how many octets, and what went wrong if something did. A
    /// socket that takes nothing more is no error.
    pub(super) fn write(
        &mut self,
        session: &mut Session,
        socket: &mut impl Write,
    ) -> (usize, io::Result<()>) {
        let before = self.written;
        let result = loop {
            let rest = &self.bytes[self.written..];
            if rest.is_empty() {
                break Ok(());
            }
            match session.send(socket, rest) {
                Ok(0) => break Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => self.written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        let count = self.written - before;
        if self.len() == 0 {
            self.bytes.clear();
            (self.written, self.message_count) = (0, 0);
        }
        (count, result)
    }
}

/// Below this many octets it is not worth to move the rest to the front.
const COMPACT_BYTES: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes so many octets, then no more.
    struct Narrow {
        room: usize,
        taken: Vec<u8>,
        end: io::ErrorKind,
    }

    impl Write for Narrow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let count = bytes.len().min(self.room).min(3);
            if count == 0 {
                return Err(self.end.into());
            }
            self.room -= count;
            self.taken.extend_from_slice(&bytes[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_order_is_kept_whatever_is_taken_at_a_time() {
        let mut queue = WriteQueue::default();
        let mut narrow = Narrow { room: 0, taken: Vec::new(), end: io::ErrorKind::WouldBlock };
        let mut expected = Vec::new();
        for round in 0..2_000_u32 {
            let message = round.to_string().repeat(7).into_bytes();
            queue.push(&message);
            expected.extend_from_slice(&message);
            narrow.room = (round as usize * 7) % 40;
            let (_, result) = queue.write(&mut Session::Plain, &mut narrow);
            result.unwrap();
            assert_eq!(narrow.taken.len() + queue.len(), expected.len());
        }
        narrow.room = usize::MAX;
        queue.write(&mut Session::Plain, &mut narrow).1.unwrap();
        assert!(narrow.taken == expected && queue.len() == 0 && queue.message_count() == 0);
        assert!(queue.take_back().is_some() && queue.is_bare() && queue.take_back().is_none());
    }

    #[test]
    fn its_memory_follows_what_waits_and_not_what_has_passed() {
        let mut queue = WriteQueue::default();
        queue.push(&[b'x'; 1_000]);
        let mut narrow = Narrow { room: 0, taken: Vec::new(), end: io::ErrorKind::WouldBlock };
        for _ in 0..10_000 {
            queue.push(&[b'x'; 1_000]);
            narrow.room = 1_000;
            queue.write(&mut Session::Plain, &mut narrow).1.unwrap();
            narrow.taken.clear();
        }
        assert_eq!(queue.len(), 1_000);
        assert!(queue.bytes.capacity() < 64 << 10, "{}", queue.bytes.capacity());
    }

    #[test]
    fn an_error_is_told_with_what_was_written_before() {
        let mut queue = WriteQueue::default();
        queue.push(b"four");
        let mut narrow = Narrow { room: 3, taken: Vec::new(), end: io::ErrorKind::ConnectionReset };
        let (count, result) = queue.write(&mut Session::Plain, &mut narrow);
        assert_eq!((count, result.unwrap_err().kind()), (3, io::ErrorKind::ConnectionReset));
        assert_eq!((queue.len(), queue.message_count()), (1, 1));
    }
}
