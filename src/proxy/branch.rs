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

use siphasher::sip::SipHasher13;

use super::response::WayBack;
use crate::mem::ListenerId;
use crate::sip::{Essentials, HeaderName, MAGIC_COOKIE, Message, Rport, Via};

/// Bytes of the part behind the cookie, at most.
const BRANCH_BYTES: usize = 16 + 1 + 8 + 1 + 4 + 1 + 5;

/// Where the listener number starts in it.
const LISTENER_START: usize = BRANCH_BYTES - 5;

/// Makes and recognises branches and tags.
#[derive(Debug)]
pub(super) struct BranchKey {
    hasher: SipHasher13,
    /// Not proof against who studies many hashes, but three times as fast; whoever could forge
    /// one would have his own request refused.
    loop_hasher: foldhash::fast::FixedState,
}

/// What is hashed, gathered first: one long input is hashed faster than many short ones.
#[derive(Debug)]
struct HashInput {
    bytes: [u8; 160],
    length: usize,
    hasher: SipHasher13,
}

impl HashInput {
    /// Nothing yet.
    #[inline]
    const fn new(hasher: SipHasher13) -> Self {
        Self { bytes: [0; 160], length: 0, hasher }
    }

    /// Adds `piece`. What goes beyond the room is hashed into eight bytes of it.
    #[inline]
    fn add(&mut self, piece: &[u8]) {
        match self.bytes.get_mut(self.length..self.length + piece.len()) {
            Some(place) => place.copy_from_slice(piece),
            None => return self.add_long(piece),
        }
        self.length += piece.len();
    }

    /// Adds a piece that there is no room for.
    #[cold]
    fn add_long(&mut self, piece: &[u8]) {
        let so_far = self.finish().to_le_bytes();
        let hash = self.hasher.hash(piece).to_le_bytes();
        self.length = 16;
        self.bytes[..8].copy_from_slice(&so_far);
        self.bytes[8..16].copy_from_slice(&hash);
    }

    /// The hash of all that was added.
    #[inline]
    fn finish(&self) -> u64 {
        self.hasher.hash(&self.bytes[..self.length])
    }
}

/// The part of a branch behind the cookie, and the line break behind that.
#[derive(Debug)]
pub(super) struct BranchText {
    bytes: [u8; BRANCH_BYTES + 2],
    length: usize,
}

impl BranchText {
    /// Its bytes.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl BranchKey {
    /// The key made of `secret`.
    pub(super) fn new(secret: &[u8; 16]) -> Self {
        let hasher = SipHasher13::new_with_key(secret);
        let loop_hasher = foldhash::fast::FixedState::with_seed(hasher.hash(b"loop"));
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
        let looping = self.looping(request, essentials);
        let mut text = BranchText { bytes: [b'.'; BRANCH_BYTES + 2], length: LISTENER_START };
        text.bytes[..16].copy_from_slice(&hex16(transaction));
        text.bytes[17..25].copy_from_slice(&hex8(looping));
        text.bytes[26..30].copy_from_slice(&hex8(source.port().into())[4..]);
        text.length += write_decimal(&mut text.bytes[LISTENER_START..], listener.0);
        text.bytes[text.length..text.length + 2].copy_from_slice(b"\r\n");
        text.length += 2;
        text
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
        essentials: &'a Essentials<'a>,
    ) -> impl FnMut(&[u8]) -> bool + 'a {
        let mut own = None;
        move |branch| {
            let Some(Split { looping, .. }) = Split::of(branch) else { return false };
            let own = own.get_or_insert_with(|| hex8(self.looping(request, essentials)));
            looping == own
        }
    }

    /// The tag that replies made here have (RFC 3261 §8.2.7): the same for retransmissions, and
    /// known again in the ACK.
    pub(super) fn tag(&self, call_id: &[u8], cseq: Option<u32>, from_tag: &[u8]) -> [u8; 16] {
        let mut input = HashInput::new(self.hasher);
        input.add(b"tag ");
        write_dialog_side(&mut input, call_id, cseq.unwrap_or_default(), from_tag);
        hex16(input.finish())
    }

    /// Hash over the Via below ours. A client of RFC 2543, whose branch is no identifier, is
    /// told by Call-ID, CSeq number and From tag (RFC 3261 §16.11, §17.2.3).
    fn transaction(
        &self,
        essentials: &Essentials<'_>,
        via: &Via<'_>,
        source: SocketAddr,
        listener: ListenerId,
    ) -> u64 {
        let texts = [via.host, via.maddr().unwrap_or_default(), via.branch().unwrap_or_default()];
        let [host, maddr, branch] = texts.map(|text| text.len() as u64);
        let port = u64::from(source.port());
        let numbers = u64::from(listener.0) << 48 | port << 32 | u64::from(via.port.unwrap_or(0));
        let mut input = HashInput::new(self.hasher);
        // With their lengths before them, texts need nothing between them.
        input.add(&(host << 42 | maddr << 21 | branch).to_le_bytes());
        input.add(&numbers.to_le_bytes());
        match source.ip() {
            IpAddr::V4(ip) => input.add(&ip.octets()),
            IpAddr::V6(ip) => input.add(&ip.octets()),
        }
        for text in texts {
            input.add(text);
        }
        if !via.has_cookie() {
            let Essentials { call_id, cseq, from, .. } = essentials;
            write_dialog_side(&mut input, call_id, cseq.number, from.tag().unwrap_or_default());
        }
        input.finish()
    }

    /// Hash over what decides the routing (RFC 3261 §16.6 step 8). To tag and method stay out,
    /// so that CANCEL and ACK get the branch of their INVITE.
    fn looping(&self, request: Message<'_>, essentials: &Essentials<'_>) -> u32 {
        let Essentials { call_id, cseq, from, .. } = essentials;
        let mut hasher = self.loop_hasher.build_hasher();
        for text in [
            request.request_uri(),
            request.value(HeaderName::Route).unwrap_or_default(),
            request.value(HeaderName::ProxyRequire).unwrap_or_default(),
            call_id,
            from.tag().unwrap_or_default(),
        ] {
            hasher.write(text);
        }
        hasher.write_u32(cseq.number);
        hasher.finish() as u32
    }
}

/// Call-ID, CSeq number and From tag: what a request has in common with its CANCEL, its ACK and
/// its responses.
fn write_dialog_side(input: &mut HashInput, call_id: &[u8], cseq: u32, from_tag: &[u8]) {
    input.add(b"\n");
    input.add(call_id);
    input.add(&cseq.to_le_bytes());
    input.add(from_tag);
}

/// The parts of a branch of our form.
struct Split<'a> {
    transaction: &'a [u8],
    looping: &'a [u8],
    port: &'a [u8],
    listener: &'a [u8],
}

impl<'a> Split<'a> {
    /// The parts of `branch`, if it has our form.
    fn of(branch: &'a [u8]) -> Option<Self> {
        let text = branch.strip_prefix(MAGIC_COOKIE)?;
        let (fixed, listener) = text.split_at_checked(LISTENER_START)?;
        let is_ours = fixed[16] == b'.' && fixed[25] == b'.' && fixed[30] == b'.';
        is_ours.then(|| Self {
            transaction: &fixed[..16],
            looping: &fixed[17..25],
            port: &fixed[26..30],
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

/// Writes the decimal digits of `number` at the start of `text`; how many there are.
fn write_decimal(text: &mut [u8], number: u16) -> usize {
    let mut digits = [0; 5];
    let mut start = digits.len();
    let mut rest = number;
    loop {
        start -= 1;
        digits[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    let digits = &digits[start..];
    text[..digits.len()].copy_from_slice(digits);
    digits.len()
}

/// The number that [`write_decimal`] wrote.
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
fn parse_hex(text: &[u8]) -> Option<u16> {
    text.iter().try_fold(0_u16, |sum, digit| {
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
        fn numbers_are_written_as_the_formatter_does(wide: u64, port: u16) {
            let text = hex16(wide);
            prop_assert_eq!(String::from_utf8_lossy(&text), format!("{wide:016x}"));
            prop_assert_eq!(parse_hex(&hex8(port.into())[4..]), Some(port));
            let mut digits = [0; 5];
            let length = write_decimal(&mut digits, port);
            prop_assert_eq!(String::from_utf8_lossy(&digits[..length]), port.to_string());
            prop_assert_eq!(parse_decimal(&digits[..length]), Some(port));
        }
    }
}
