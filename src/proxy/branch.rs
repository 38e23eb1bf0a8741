//! The branch of our Via and the tag of our replies: keyed hashes of what arrived, so that they
//! are the same for a request, its retransmission, its CANCEL and its ACK to a failure
//! (RFC 3261 §16.11), and so that a response can be told from one that we did not cause.
//!
//! ```text
//! z9hG4bK 0123456789abcdef . 01234567 . 13c4 . 0
//!         transaction        loop       |      number of the listener that the request came to
//!                                       source port of the request
//! ```
//!
//! *Transaction* is a hash over the Via below ours, which comes back with the response: its
//! branch, its sent-by, its maddr and the address and port the request came from: all that
//! decides where the response goes, so that nobody who saw the branch can send it elsewhere.
//! *Loop* is a hash over what decides the routing, so that a request which comes back with it
//! unchanged is a loop (RFC 3261 §16.3 step 4), while one that comes back changed is a spiral. A
//! Via of ours only comes back in the request that it was put into, so Call-ID, CSeq and From tag,
//! which no proxy changes, would tell nothing.

use std::hash::{BuildHasher, Hasher};
use std::net::SocketAddr;

use super::response::WayBack;
use super::siphash::WordHasher;
use crate::mem::ListenerId;
use crate::sip::{Essentials, HeaderName, MAGIC_COOKIE, Message, Pen, Rport, Via, transaction_id};

/// Makes and recognises branches and tags.
#[derive(Debug)]
pub(super) struct BranchKey {
    hasher: WordHasher,
    /// Not proof against who studies many hashes, but three times as fast; whoever could forge
    /// one would have his own request refused.
    loop_hasher: foldhash::fast::FixedState,
}

/// What a hash starts with that is not over an IPv4 address and a Via: no lengths are so large.
const OVER_IPV6: u64 = u64::MAX;

/// As [`OVER_IPV6`], for the tag of a reply.
const OVER_DIALOG: u64 = u64::MAX - 1;

/// Bytes of a branch behind the cookie and before the listener number.
const FIXED_BYTES: usize = 16 + 1 + 8 + 1 + 4 + 1;

/// What the part of a branch behind the cookie says.
#[derive(Debug)]
pub(super) struct BranchText {
    transaction: u64,
    looping: u32,
    port: u16,
    listener: ListenerId,
}

impl BranchText {
    /// Writes it.
    #[inline(always)]
    pub(super) fn write(&self, pen: &mut Pen<'_>) {
        let Some(fixed) = pen.chunk::<FIXED_BYTES>() else { return };
        *fixed = [b'.'; FIXED_BYTES];
        write_hex(self.transaction.to_be_bytes(), &mut fixed[..16]);
        write_hex(self.looping.to_be_bytes(), &mut fixed[17..25]);
        write_hex(self.port.to_be_bytes(), &mut fixed[26..30]);
        match self.listener.0 {
            digit @ 0..10 => pen.octet(b'0' + digit as u8),
            number => pen.port(number),
        };
    }
}

impl BranchKey {
    /// The key made of `secret`.
    pub(super) fn new(secret: &[u8; 16]) -> Self {
        let hasher = WordHasher::new(secret);
        let loop_hasher = foldhash::fast::FixedState::with_seed(hasher.finish());
        Self { hasher, loop_hasher }
    }

    /// The branch for forwarding the request with these essentials and this [`Self::looping`], that
    /// came from `source` to `listener`.
    pub(super) fn branch(
        &self,
        looping: u32,
        essentials: &Essentials<'_>,
        source: &SocketAddr,
        listener: ListenerId,
    ) -> BranchText {
        BranchText {
            transaction: self.transaction(essentials, &essentials.via, source, listener),
            looping,
            port: source.port(),
            listener,
        }
    }

    /// The listener that the request came to and the port that it came from, if the topmost branch
    /// is one of ours and the response answers a request that we forwarded: `below` is the Via
    /// below ours, `way` what it says of where the request came from.
    pub(super) fn verify(
        &self,
        essentials: &Essentials<'_>,
        below: &Via<'_>,
        way: WayBack<'_>,
    ) -> Option<(ListenerId, u16)> {
        let Split { transaction, port, listener, .. } = Split::of(essentials.via.branch()?)?;
        let listener = ListenerId(match listener {
            [digit @ b'0'..=b'9'] => u16::from(digit - b'0'),
            several => parse_decimal(several)?,
        });
        let source = SocketAddr::new(way.ip?, parse_hex(port)?);
        if matches!(way.rport, Rport::Filled(port) if port != source.port()) {
            return None;
        }
        let expected = self.transaction(essentials, below, &source, listener);
        (hex16(expected) == transaction).then_some((listener, source.port()))
    }

    /// Tells the branches of `request` that we would give it again: it came back unchanged. The
    /// hash is made once, when the first branch of our form is seen.
    pub(super) fn loop_detector<'a>(
        &'a self,
        request: Message<'a>,
    ) -> impl FnMut(&[u8]) -> bool + 'a {
        let mut own = None;
        move |branch| {
            let Some(Split { looping, .. }) = Split::of(branch) else { return false };
            looping
                == *own.get_or_insert_with(|| {
                    let mut digits = [0; 8];
                    write_hex(self.looping(request).to_be_bytes(), &mut digits);
                    digits
                })
        }
    }

    /// The tag that replies made here have (RFC 3261 §8.2.7): the same for retransmissions, and
    /// known again in the ACK.
    pub(super) fn tag(&self, call_id: &[u8], cseq: Option<u32>, from_tag: &[u8]) -> [u8; 16] {
        let mut hasher = self.hasher;
        hasher.word(OVER_DIALOG);
        hex16(with_dialog_side(hasher, call_id, cseq.unwrap_or_default(), from_tag).finish())
    }

    /// Hash over the Via below ours. A client of RFC 2543, whose branch is no identifier, is
    /// told by Call-ID, CSeq number and From tag (RFC 3261 §16.11, §17.2.3).
    ///
    /// All that goes in are words of eight octets, which the hash takes as they are.
    #[inline]
    fn transaction(
        &self,
        essentials: &Essentials<'_>,
        via: &Via<'_>,
        source: &SocketAddr,
        listener: ListenerId,
    ) -> u64 {
        let branch = via.branch().unwrap_or_default();
        let id = transaction_id(branch);
        let texts = [via.host, id.unwrap_or(branch), via.maddr().unwrap_or_default()];
        // A Via is shorter than 2^16. With their lengths before them, texts need nothing between.
        let lengths = texts.map(|text| text.len() as u64);
        let ports = u64::from(source.port()) << 16 | u64::from(via.port.unwrap_or(0));
        let mut hasher = self.hasher;
        let ip = match source {
            SocketAddr::V4(source) => source.ip().to_bits(),
            SocketAddr::V6(source) => {
                hasher.word(OVER_IPV6);
                hasher.text(&source.ip().octets());
                0
            }
        };
        hasher.word(lengths.iter().fold(listener.0.into(), |word, length| word << 16 | length));
        hasher.word(u64::from(ip) << 32 | ports);
        let [host, branch, maddr] = texts;
        hasher.text(host);
        hasher.text(branch);
        if !maddr.is_empty() {
            hasher.text(maddr);
        }
        if id.is_none() {
            let Essentials { call_id, cseq, from, .. } = essentials;
            let from_tag = from.tag().unwrap_or_default();
            hasher = with_dialog_side(hasher, call_id, cseq.number, from_tag);
        }
        hasher.finish()
    }

    /// Hash over what decides the routing (RFC 3261 §16.6 step 8), as far as it can change on the
    /// way, of a request as it arrived. To tag and method stay out, so that CANCEL and ACK get the
    /// branch of their INVITE.
    #[inline]
    pub(super) fn looping(&self, request: Message<'_>) -> u32 {
        let mut hasher = self.loop_hasher.build_hasher();
        hasher.write(request.request_uri());
        for (place, name) in [HeaderName::Route, HeaderName::ProxyRequire].into_iter().enumerate() {
            if let Some(value) = request.value(name) {
                hasher.write_usize(place);
                hasher.write(value);
                if request.is_repeated(name) {
                    request.headers(name).skip(1).for_each(|further| {
                        hasher.write_usize(place);
                        hasher.write(further.value);
                    });
                }
            }
        }
        hasher.finish() as u32
    }
}

/// Call-ID, CSeq number and From tag: what a request has in common with its CANCEL, its ACK and
/// its responses.
#[inline(never)]
fn with_dialog_side(
    mut hasher: WordHasher,
    call_id: &[u8],
    cseq: u32,
    from_tag: &[u8],
) -> WordHasher {
    for text in [call_id, from_tag] {
        hasher.word(text.len() as u64);
        hasher.text(text);
    }
    hasher.word(cseq.into());
    hasher
}

/// The parts of a branch of our form.
struct Split<'a> {
    transaction: [u8; 16],
    looping: [u8; 8],
    port: [u8; 4],
    listener: &'a [u8],
}

impl<'a> Split<'a> {
    /// The parts of `branch`, if it has our form.
    fn of(branch: &'a [u8]) -> Option<Self> {
        let text = branch.strip_prefix(MAGIC_COOKIE)?;
        let (fixed, listener) = text.split_first_chunk::<FIXED_BYTES>()?;
        let (transaction, rest) = fixed.split_first_chunk()?;
        let (looping, rest) = rest.split_at(1).1.split_first_chunk()?;
        let (port, _) = rest.split_at(1).1.split_first_chunk()?;
        let is_ours = fixed[16] == b'.' && fixed[25] == b'.' && fixed[30] == b'.';
        is_ours.then_some(Self {
            transaction: *transaction,
            looping: *looping,
            port: *port,
            listener,
        })
    }
}

/// The octets in hexadecimal, with two digits each.
static HEX: [[u8; 2]; 256] = {
    let digits = b"0123456789abcdef";
    let mut hex = [[0; 2]; 256];
    let mut octet = 0;
    while octet < hex.len() {
        hex[octet] = [digits[octet / 16], digits[octet % 16]];
        octet += 1;
    }
    hex
};

/// Writes `octets` into `place` in hexadecimal.
#[inline(always)]
fn write_hex<const COUNT: usize>(octets: [u8; COUNT], place: &mut [u8]) {
    let (places, _) = place.as_chunks_mut();
    for (place, octet) in places.iter_mut().zip(octets) {
        *place = HEX[usize::from(octet)];
    }
}

/// The hexadecimal digits of `number`.
#[inline]
fn hex16(number: u64) -> [u8; 16] {
    let mut digits = [0; 16];
    write_hex(number.to_be_bytes(), &mut digits);
    digits
}

/// The number of a listener, as [`BranchText::write`] wrote it.
fn parse_decimal(text: &[u8]) -> Option<u16> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u16, |sum, digit| {
        let digit = digit.is_ascii_digit().then(|| u16::from(digit - b'0'))?;
        sum.checked_mul(10)?.checked_add(digit)
    })
}

/// The port whose digits [`write_hex`] wrote.
fn parse_hex(digits: [u8; 4]) -> Option<u16> {
    digits.iter().try_fold(0_u16, |sum, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        sum.checked_mul(16).map(|sum| sum | u16::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_ports_as_they_are_written_are_read() {
        assert_eq!(parse_hex(*b"13c4"), Some(5060));
        assert_eq!(parse_hex(*b"ffff"), Some(u16::MAX));
        for digits in
            [b"13C4", b"13g4", b"    ", b"-001", b"\xff\xff\xff\xff", b"\0\0\0\0", b"1:;?"]
        {
            assert_eq!(parse_hex(*digits), None, "{digits:?}");
        }
    }

    proptest! {
        #[test]
        fn a_branch_is_read_as_it_was_written(
            transaction: u64,
            looping: u32,
            port: u16,
            listener: u16,
        ) {
            let listener = ListenerId(listener);
            let branch = BranchText { transaction, looping, port, listener };
            let mut room = [0; MAGIC_COOKIE.len() + FIXED_BYTES + 8];
            let mut pen = Pen::new(&mut room);
            branch.write(pen.text(MAGIC_COOKIE));
            let length = pen.written().unwrap();
            let text = &room[..length];
            let number = listener.0;
            let expected = format!("z9hG4bK{transaction:016x}.{looping:08x}.{port:04x}.{number}");
            prop_assert_eq!(String::from_utf8_lossy(text), expected);
            let split = Split::of(text).unwrap();
            prop_assert_eq!(split.transaction, hex16(transaction));
            prop_assert_eq!(parse_hex(split.port), Some(port));
            prop_assert_eq!(parse_decimal(split.listener), Some(number));
        }
    }
}
