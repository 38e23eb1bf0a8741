//! Writing texts into a buffer, for what is written in every message.

use std::io::Write;
use std::net::{IpAddr, Ipv6Addr};

/// Writes texts one behind the other. Once one does not fit, nothing more is written.
#[derive(Debug)]
pub struct Pen<'b> {
    /// What is left of the buffer.
    room: &'b mut [u8],
    /// Bytes of the buffer.
    length: usize,
    /// Whether something did not fit.
    is_cut: bool,
}

impl<'b> Pen<'b> {
    /// A pen at the start of `buffer`.
    #[inline]
    #[must_use]
    pub const fn new(buffer: &'b mut [u8]) -> Self {
        Self { length: buffer.len(), room: buffer, is_cut: false }
    }

    /// How many bytes are written; `None` if not everything fitted.
    #[inline]
    #[must_use]
    pub const fn written(&self) -> Option<usize> {
        if self.is_cut { None } else { Some(self.length - self.room.len()) }
    }

    /// Writes `text`. Of one that does not fit, nothing is written.
    #[inline(always)]
    pub fn text(&mut self, text: &[u8]) -> &mut Self {
        if let Some(place) = self.next(text.len()) {
            place.copy_from_slice(text);
        }
        self
    }

    /// The next `length` bytes, to be written.
    #[inline(always)]
    fn next(&mut self, length: usize) -> Option<&'b mut [u8]> {
        match std::mem::take(&mut self.room).split_at_mut_checked(length) {
            Some((next, rest)) => {
                self.room = rest;
                Some(next)
            }
            None => {
                self.is_cut = true;
                None
            }
        }
    }

    /// Writes `text`, whose length is known when this is compiled.
    #[inline(always)]
    pub fn chunk<const LENGTH: usize>(&mut self, text: &[u8; LENGTH]) -> &mut Self {
        if let Some(place) = self.next(LENGTH).and_then(<[u8]>::first_chunk_mut) {
            *place = *text;
        }
        self
    }

    /// Writes the first `length` octets of `source`. Where it has `MOST` and there is room, those
    /// are copied at once, which is quicker than to count them out; the next text overwrites what
    /// is too much.
    #[inline(always)]
    pub fn first<const MOST: usize>(&mut self, source: &[u8], length: usize) -> &mut Self {
        match (source.first_chunk::<MOST>(), self.room.first_chunk_mut()) {
            (Some(text), Some(place)) if length <= MOST => {
                *place = *text;
                self.next(length);
                self
            }
            _ => self.text(&source[..length]),
        }
    }

    /// Writes one octet.
    #[inline(always)]
    pub fn octet(&mut self, octet: u8) -> &mut Self {
        self.text(&[octet])
    }

    /// Writes the number of a port, or another one that is as small, in decimal.
    #[inline(always)]
    pub fn port(&mut self, number: u16) -> &mut Self {
        let (digits, length) = port_digits(number);
        self.first::<8>(&digits, length)
    }

    /// Writes an address; an IPv6 address without brackets.
    #[inline(always)]
    pub fn ip(&mut self, ip: IpAddr) -> &mut Self {
        match ip {
            IpAddr::V4(ip) => {
                let mut text = [0; 20];
                let mut length = 0;
                for (octets, count) in ip.octets().map(dotted) {
                    // The remainder, for the compiler: it is never longer.
                    text[length % 16..][..4].copy_from_slice(&octets);
                    length += count;
                }
                self.first::<16>(&text, length - 1)
            }
            IpAddr::V6(ip) => {
                let (text, length) = ipv6(ip);
                self.text(&text[..length])
            }
        }
    }
}

/// The number of a port in decimal, and how many digits it has.
#[inline(always)]
pub(super) fn port_digits(number: u16) -> ([u8; 8], usize) {
    let (high, low) = (number / 100, number % 100);
    let pair = |number: u16| PAIRS[usize::from(number)];
    let ([a, b], [c, d], [e, f]) = (pair(high / 100), pair(high % 100), pair(low));
    let digits = u64::from_le_bytes([a, b, c, d, e, f, 0, 0]);
    // The last digit is written also if it is a zero.
    let significant = digits & 0x0000_0f0f_0f0f_0f0f | 1 << 40;
    let zeros = significant.trailing_zeros() / 8;
    ((digits >> (8 * zeros)).to_le_bytes(), 6 - zeros as usize)
}

/// The number of an octet in decimal with a dot behind it, and how many octets that are.
#[inline(always)]
pub(super) fn dotted(number: u8) -> ([u8; 4], usize) {
    let (octets, count) = DOTTED[usize::from(number)];
    (octets, count as usize)
}

/// An IPv6 address in writing, and how long that is. Not with a pen: one whose address is passed on
/// is not kept in registers.
#[inline(never)]
pub(super) fn ipv6(ip: Ipv6Addr) -> ([u8; 45], usize) {
    // The longest one has 45 characters.
    let mut text = [0; 45];
    let mut rest = &mut text[..];
    let _ = write!(rest, "{ip}");
    let left = rest.len();
    (text, text.len() - left)
}

/// The numbers below 100, with two digits each.
static PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut number = 0;
    while number < pairs.len() {
        pairs[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    pairs
};

/// The numbers of an octet in decimal with a dot behind each, and how many octets that are.
static DOTTED: [([u8; 4], u32); 256] = {
    let mut all = [([0; 4], 0); 256];
    let mut number = 0;
    while number < all.len() {
        let digits = [number / 100, number / 10 % 10, number % 10];
        let count = 1 + (number > 9) as usize + (number > 99) as usize;
        let mut place = 0;
        while place < count {
            all[number].0[place] = b'0' + digits[3 - count + place] as u8;
            place += 1;
        }
        all[number].0[count] = b'.';
        all[number].1 = count as u32 + 1;
        number += 1;
    }
    all
};

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use proptest::prelude::*;

    use super::*;

    /// What `write` writes into a buffer of so many bytes.
    fn written(room: usize, write: impl FnOnce(&mut Pen<'_>)) -> Option<String> {
        let mut buffer = vec![b'-'; room];
        let mut pen = Pen::new(&mut buffer);
        write(&mut pen);
        let length = pen.written()?;
        Some(String::from_utf8_lossy(&buffer[..length]).into_owned())
    }

    #[test]
    fn every_port_is_written_in_decimal() {
        for port in 0..=u16::MAX {
            let text = written(8, |pen| {
                pen.port(port);
            });
            assert_eq!(text, Some(port.to_string()));
        }
    }

    #[test]
    fn nothing_is_written_once_something_did_not_fit() {
        let mut buffer = *b"--------";
        let mut pen = Pen::new(&mut buffer);
        assert_eq!(pen.port(65_535).text(b"abc").text(b"").written(), Some(8));
        assert_eq!(pen.octet(b'.').text(b"").written(), None);
        let mut pen = Pen::new(&mut buffer);
        assert_eq!(pen.text(b"1234567").port(99).octet(b'8').text(b"").written(), None);
        assert_eq!(&buffer, b"1234567c");
    }

    proptest! {
        #[test]
        fn the_first_octets_are_written_wherever_they_come_from(
            source in proptest::collection::vec(any::<u8>(), 0..40),
            length in 0_usize..40,
            room in 0_usize..64,
        ) {
            let length = length.min(source.len());
            let mut buffer = vec![b'-'; room];
            let mut pen = Pen::new(&mut buffer);
            let end = pen.octet(b'(').first::<16>(&source, length).octet(b')').written();
            let expected = [b"(", &source[..length], b")"].concat();
            match end {
                Some(end) => prop_assert_eq!(&buffer[..end], &expected[..]),
                None => prop_assert!(room < expected.len()),
            }
        }

        #[test]
        fn addresses_are_written_as_the_formatter_does(
            v4: u32,
            v6: u128,
            port: u16,
            room in 0..64_usize,
        ) {
            for ip in [IpAddr::V4(Ipv4Addr::from_bits(v4)), Ipv6Addr::from_bits(v6).into()] {
                let expected = format!("[{ip}]:{port}");
                let text = written(room, |pen| {
                    pen.octet(b'[').ip(ip).text(b"]:").port(port);
                });
                prop_assert_eq!(text, Some(expected.clone()).filter(|it| it.len() <= room));
            }
        }
    }
}
