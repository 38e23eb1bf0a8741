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
//! unchanged is a loop (RFC 3261 §16.3 step 4), while one that comes back changed is a spiral.

use std::hash::{BuildHasher, Hasher};
use std::net::{IpAddr, SocketAddr};

use super::response::WayBack;
use super::siphash::WordHasher;
use crate::mem::ListenerId;
use crate::sip::compose::Pen;
use crate::sip::{Essentials, HeaderName, MAGIC_COOKIE, Message, Rport, Via};

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

/// The part of a branch behind the cookie.
#[derive(Debug)]
pub(super) struct BranchText {
    fixed: [u8; FIXED_BYTES],
    listener: ListenerId,
}

impl BranchText {
    /// Bytes that it has at most.
    pub(super) const BYTES_MAX: usize = FIXED_BYTES + 5;

    /// Writes it.
    #[inline]
    pub(super) fn write(&self, pen: &mut Pen<'_>) {
        pen.text(&self.fixed);
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

    /// The branch for forwarding `request`, that came from `source` to `listener`.
    pub(super) fn branch(
        &self,
        request: Message<'_>,
        essentials: &Essentials<'_>,
        source: SocketAddr,
        listener: ListenerId,
    ) -> BranchText {
        let transaction = self.transaction(essentials, &essentials.via, source, listener);
        let looping = self.looping(request);
        let mut fixed = [b'.'; FIXED_BYTES];
        fixed[..16].copy_from_slice(&hex16(transaction));
        fixed[17..25].copy_from_slice(&hex8(looping));
        fixed[26..30].copy_from_slice(&hex8(source.port().into())[4..]);
        BranchText { fixed, listener }
    }

    /// The listener that the request came to, if the topmost branch is one of ours and the
    /// response answers a request that we forwarded: `below` is the Via below ours, `way` what it
    /// says of where the request came from.
    pub(super) fn verify(
        &self,
        essentials: &Essentials<'_>,
        below: &Via<'_>,
        way: WayBack<'_>,
    ) -> Option<ListenerId> {
        let Split { transaction, port, listener, .. } = Split::of(essentials.via.branch()?)?;
        let listener = ListenerId(parse_decimal(listener)?);
        let source = SocketAddr::new(way.ip?, parse_hex(port)?);
        if matches!(way.rport, Rport::Filled(port) if port != source.port()) {
            return None;
        }
        let expected = self.transaction(essentials, below, source, listener);
        (hex16(expected) == transaction).then_some(listener)
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
            looping == *own.get_or_insert_with(|| hex8(self.looping(request)))
        }
    }

    /// The tag that replies made here have (RFC 3261 §8.2.7): the same for retransmissions, and
    /// known again in the ACK.
    pub(super) fn tag(&self, call_id: &[u8], cseq: Option<u32>, from_tag: &[u8]) -> [u8; 16] {
        let mut hasher = self.hasher;
        hasher.word(OVER_DIALOG);
        write_dialog_side(&mut hasher, call_id, cseq.unwrap_or_default(), from_tag);
        hex16(hasher.finish())
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
        source: SocketAddr,
        listener: ListenerId,
    ) -> u64 {
        let branch = via.branch().unwrap_or_default();
        let id = via.id();
        let texts = [via.host, id.unwrap_or(branch), via.maddr().unwrap_or_default()];
        // A Via is shorter than 2^16. With their lengths before them, texts need nothing between.
        let [host, branch, maddr] = texts.map(|text| text.len() as u64);
        let ports = u64::from(source.port()) << 16 | u64::from(via.port.unwrap_or(0));
        let mut hasher = self.hasher;
        let ip = match source.ip() {
            IpAddr::V4(ip) => ip.to_bits(),
            IpAddr::V6(ip) => {
                hasher.word(OVER_IPV6);
                hasher.text(&ip.octets());
                0
            }
        };
        hasher.word(u64::from(listener.0) << 48 | host << 32 | branch << 16 | maddr);
        hasher.word(u64::from(ip) << 32 | ports);
        for text in texts {
            hasher.text(text);
        }
        if id.is_none() {
            let Essentials { call_id, cseq, from, .. } = essentials;
            write_dialog_side(&mut hasher, call_id, cseq.number, from.tag().unwrap_or_default());
        }
        hasher.finish()
    }

    /// Hash over what decides the routing (RFC 3261 §16.6 step 8), as far as it can change on the
    /// way. To tag and method stay out, so that CANCEL and ACK get the branch of their INVITE.
    fn looping(&self, request: Message<'_>) -> u32 {
        let mut hasher = self.loop_hasher.build_hasher();
        hasher.write(request.request_uri());
        for (place, name) in [HeaderName::Route, HeaderName::ProxyRequire].into_iter().enumerate() {
            if let Some(value) = request.value(name) {
                hasher.write_usize(place);
                hasher.write(value);
            }
        }
        hasher.finish() as u32
    }
}

/// Call-ID, CSeq number and From tag: what a request has in common with its CANCEL, its ACK and
/// its responses.
fn write_dialog_side(hasher: &mut WordHasher, call_id: &[u8], cseq: u32, from_tag: &[u8]) {
    for text in [call_id, from_tag] {
        hasher.word(text.len() as u64);
        hasher.text(text);
    }
    hasher.word(cseq.into());
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

/// The hexadecimal digits of `number`, all at once: each is an octet of one word.
const fn hex8(number: u32) -> [u8; 8] {
    let mut digits = number as u64;
    digits = (digits << 16 | digits) & 0x0000_ffff_0000_ffff;
    digits = (digits << 8 | digits) & 0x00ff_00ff_00ff_00ff;
    digits = (digits << 4 | digits) & 0x0f0f_0f0f_0f0f_0f0f;
    // A digit above 9 is the one that has its fifth bit set by 6 more.
    let letters = (digits + 6 * ONES) >> 4 & ONES;
    (digits + b'0' as u64 * ONES + letters * (b'a' - b'9' - 1) as u64).to_be_bytes()
}

/// A word with all octets 1.
const ONES: u64 = 0x0101_0101_0101_0101;

/// The hexadecimal digits of `number`.
fn hex16(number: u64) -> [u8; 16] {
    let mut text = [0; 16];
    text[..8].copy_from_slice(&hex8((number >> 32) as u32));
    text[8..].copy_from_slice(&hex8(number as u32));
    text
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

/// The port whose digits [`hex8`] wrote.
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

    proptest! {
        #[test]
        fn numbers_are_written_as_the_formatter_does(wide: u64, number: u16) {
            let text = hex16(wide);
            prop_assert_eq!(String::from_utf8_lossy(&text), format!("{wide:016x}"));
            let [.., a, b, c, d] = hex8(number.into());
            prop_assert_eq!(parse_hex([a, b, c, d]), Some(number));
        }

        #[test]
        fn a_branch_is_read_as_it_was_written(bytes: [u8; FIXED_BYTES], listener: u16) {
            let mut fixed = bytes;
            for place in [16, 25, 30] {
                fixed[place] = b'.';
            }
            let branch = BranchText { fixed, listener: ListenerId(listener) };
            let mut room = [0; MAGIC_COOKIE.len() + BranchText::BYTES_MAX];
            let mut pen = Pen::new(&mut room);
            branch.write(pen.text(MAGIC_COOKIE));
            let length = pen.written().unwrap();
            let split = Split::of(&room[..length]).unwrap();
            prop_assert_eq!(&split.transaction, &fixed[..16]);
            prop_assert_eq!(&split.looping, &fixed[17..25]);
            prop_assert_eq!(&split.port, &fixed[26..30]);
            prop_assert_eq!(parse_decimal(split.listener), Some(listener));
        }
    }
}
