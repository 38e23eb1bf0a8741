//! Writing texts onto a sheet of fixed size, for what is written in every message.

use std::net::{IpAddr, Ipv4Addr};

use super::Pen;
use super::pen::{dotted, ipv6, port_digits};

/// A sheet that texts are written onto, one behind the other.
///
/// A text may be copied with octets that lie behind it, as many at once as is quick: the next one
/// overwrites what is too much. Nobody asks for each whether there is room. A sheet has twice the
/// octets that may be written, so that there always is for a text that starts among the first half;
/// one that starts behind them goes to the start, and spoils a sheet of which nothing is read.
#[derive(Debug)]
pub struct Sheet<'b> {
    octets: &'b mut [u8; SHEET_BYTES],
    /// Octets that are written, or should be.
    length: usize,
}

impl<'b> Sheet<'b> {
    /// Fewer octets than these may be written.
    pub const WRITTEN_MAX: usize = 2_048;

    /// How many octets a sheet has.
    pub const BYTES: usize = SHEET_BYTES;

    /// The length of a sheet that too long a text was to be written onto.
    const OVERFULL: usize = usize::MAX / 2;

    /// A sheet with nothing on it.
    #[inline]
    #[must_use]
    pub const fn new(octets: &'b mut [u8; SHEET_BYTES]) -> Self {
        Self { octets, length: 0 }
    }

    /// How many octets are written; `None` if not everything fitted.
    #[inline]
    #[must_use]
    pub fn written(&self) -> Option<usize> {
        (self.length < Self::WRITTEN_MAX).then_some(self.length)
    }

    /// Where the next text starts.
    #[inline(always)]
    pub(super) const fn end(&self) -> usize {
        self.length
    }

    /// Where the next text goes, with room for any that is short.
    #[inline(always)]
    fn next<const LENGTH: usize>(&mut self) -> Option<&mut [u8; LENGTH]> {
        let start = self.length % Self::WRITTEN_MAX;
        self.octets.get_mut(start..start + LENGTH)?.first_chunk_mut()
    }

    /// Writes the first `length` octets of `text`.
    #[inline(always)]
    #[must_use]
    pub fn part<const MOST: usize>(mut self, text: &[u8; MOST], length: usize) -> Self {
        if let Some(place) = self.next() {
            *place = *text;
        }
        self.length += length;
        self
    }

    /// Writes `text`, whose length is known when this is compiled.
    #[inline(always)]
    #[must_use]
    pub fn chunk<const LENGTH: usize>(self, text: &[u8; LENGTH]) -> Self {
        self.part(text, LENGTH)
    }

    /// Writes `length` octets of `source` from `start` on, which are usually `MOST` at most.
    #[inline(always)]
    #[must_use]
    pub fn piece<const MOST: usize>(self, source: &[u8], start: usize, length: usize) -> Self {
        // The offset in a datagram, for the compiler: it is never more.
        let from = start & usize::from(u16::MAX);
        match source.get(from..from + MOST).and_then(<[u8]>::first_chunk::<MOST>) {
            Some(text) if length <= MOST => self.part(text, length),
            _ => self.any(source.get(start..start + length)),
        }
    }

    /// Writes `text`, of which 16 to 32 octets are written at once.
    #[inline(always)]
    #[must_use]
    pub fn text(self, text: &[u8]) -> Self {
        match (text.first_chunk::<16>(), text.last_chunk::<16>()) {
            (Some(first), Some(last)) if text.len() <= 32 => {
                self.part(first, text.len() - 16).chunk(last)
            }
            _ => self.any(Some(text)),
        }
    }

    /// Writes a text of any length; of none there was too little.
    #[inline(never)]
    fn any(mut self, text: Option<&[u8]>) -> Self {
        let start = self.length % Self::WRITTEN_MAX;
        let place = text.and_then(|text| self.octets.get_mut(start..start + text.len()));
        match (place, text) {
            (Some(place), Some(text)) => {
                place.copy_from_slice(text);
                self.length += text.len();
            }
            _ => self.length = Self::OVERFULL,
        }
        self
    }

    /// Has a pen write what is not quick to write.
    #[inline(never)]
    #[must_use]
    pub fn with(mut self, write: impl FnOnce(&mut Pen<'_>)) -> Self {
        let rest = self.octets.get_mut(self.length..).unwrap_or_default();
        let mut pen = Pen::new(rest);
        write(&mut pen);
        self.length = pen.written().map_or(Self::OVERFULL, |length| self.length + length);
        self
    }

    /// Writes other octets in the place of some that are written.
    #[inline(always)]
    #[must_use]
    pub fn over(self, start: usize, octets: &[u8]) -> Self {
        let start = start % Self::WRITTEN_MAX;
        match octets {
            // A number of hops has two digits, most often.
            [tens, ones] => self.octets[start..start + 2].copy_from_slice(&[*tens, *ones]),
            octets => {
                if let Some(place) = self.octets.get_mut(start..start + octets.len()) {
                    place.copy_from_slice(octets);
                }
            }
        }
        self
    }

    /// Writes the number of a port in decimal.
    #[inline(always)]
    #[must_use]
    pub fn port(self, number: u16) -> Self {
        if number == 5060 {
            return self.chunk(b"5060");
        }
        let (digits, length) = port_digits(number);
        self.part(&digits, length)
    }

    /// Writes an IPv4 address.
    #[inline(always)]
    #[must_use]
    pub fn ipv4(self, ip: Ipv4Addr) -> Self {
        let mut sheet = self;
        for octet in ip.octets() {
            let (text, length) = dotted(octet);
            sheet = sheet.part(&text, length);
        }
        // Not the last dot.
        sheet.length -= 1;
        sheet
    }

    /// Writes an address; an IPv6 address without brackets.
    #[inline(always)]
    #[must_use]
    pub fn ip(self, ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(ip) => self.ipv4(ip),
            IpAddr::V6(ip) => {
                let (text, length) = ipv6(ip);
                self.any(text.get(..length))
            }
        }
    }
}

/// [`Sheet::BYTES`].
const SHEET_BYTES: usize = 2 * Sheet::WRITTEN_MAX;

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// What is written onto a sheet.
    fn written(write: impl FnOnce(Sheet<'_>) -> Sheet<'_>) -> Option<Vec<u8>> {
        let mut octets = [b'-'; Sheet::BYTES];
        let length = write(Sheet::new(&mut octets)).written()?;
        Some(octets[..length].to_vec())
    }

    proptest! {
        #[test]
        fn pieces_stand_one_behind_the_other(
            source in vec(any::<u8>(), 0..300),
            pieces in vec((0_usize..300, 0_usize..100, 0_usize..3), 0..40),
        ) {
            let mut expected = Vec::new();
            let found = written(|mut sheet| {
                for (start, length, kind) in &pieces {
                    let start = (*start).min(source.len());
                    let length = (*length).min(source.len() - start);
                    let text = &source[start..start + length];
                    expected.extend_from_slice(text);
                    sheet = match kind {
                        0 => sheet.piece::<16>(&source, start, length),
                        1 => sheet.piece::<64>(&source, start, length),
                        _ => sheet.text(text),
                    };
                }
                sheet
            });
            let fits = expected.len() < Sheet::WRITTEN_MAX;
            prop_assert_eq!(found, fits.then_some(expected));
        }

        #[test]
        fn addresses_are_written_as_the_formatter_does(v4: u32, v6: u128, port: u16) {
            for ip in [IpAddr::V4(Ipv4Addr::from_bits(v4)), Ipv6Addr::from_bits(v6).into()] {
                let found = written(|sheet| sheet.chunk(b"[").ip(ip).chunk(b"]:").port(port));
                let expected = format!("[{ip}]:{port}");
                prop_assert_eq!(found, Some(expected.into_bytes()));
            }
        }
    }

    #[test]
    fn the_usual_port_is_written_as_any() {
        assert_eq!(written(|sheet| sheet.port(5060).port(506)).unwrap(), b"5060506");
    }

    #[test]
    fn a_pen_goes_on_where_the_sheet_is() {
        let found = written(|sheet| {
            let sheet = sheet.chunk(b"one ").with(|pen| {
                pen.text(b"two ");
            });
            sheet.chunk(b"three").over(4, b"TW").over(8, b"THREE")
        });
        assert_eq!(found.unwrap(), b"one TWo THREE");
    }

    #[test]
    fn nothing_counts_once_something_did_not_fit() {
        let long = vec![b'x'; Sheet::WRITTEN_MAX];
        assert!(written(|sheet| sheet.text(&long[1..])).is_some());
        assert_eq!(written(|sheet| sheet.text(&long)), None);
        assert_eq!(written(|sheet| sheet.text(&long[1..]).chunk(b"x").chunk(b"")), None);
        assert_eq!(written(|sheet| sheet.text(&[0; 5_000]).text(b"and more")), None);
        assert_eq!(written(|sheet| sheet.piece::<16>(&long, 2_000, 4_000).chunk(b"x")), None);
        let fill = |pen: &mut Pen<'_>| {
            pen.text(&long[1..]).text(b"x");
        };
        assert_eq!(written(|sheet| sheet.with(fill).chunk(b"x")), None);
        assert_eq!(written(|sheet| sheet.text(&[0; 5_000]).with(fill)), None);
    }
}
