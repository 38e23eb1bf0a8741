//! The branch of our Via and the tag of our replies: keyed hashes of what arrived, so that they
//! are the same for a request, its retransmission, its CANCEL and its ACK to a failure
//! (RFC 3261 §16.11), and so that a response can be told from one that we did not cause.
//!
//! ```text
//! z9hG4bK 0123456789abcdef . 01234567 . 0
//!         transaction        loop       number of the listener that the request came to
//! ```
//!
//! *Transaction* is a hash over the Via below ours, which comes back with the response: its
//! branch, its sent-by and the address the request came from. *Loop* is a hash over what
//! decides the routing, so that a request which comes back with it unchanged is a loop
//! (RFC 3261 §16.3 step 4), while one that comes back changed is a spiral.

use std::hash::Hasher;
use std::net::IpAddr;

use siphasher::sip::SipHasher13;

use crate::mem::ListenerId;
use crate::sip::{CSeq, HeaderName, Message, NameAddr, Via};

/// What every branch of ours starts with (RFC 3261 §8.1.1.7).
const MAGIC_COOKIE: &[u8] = b"z9hG4bK";

/// Bytes of the part behind the cookie, with a listener number of one digit.
const BRANCH_BYTES: usize = 16 + 1 + 8 + 1 + 5;

/// Makes and recognises branches and tags.
#[derive(Debug)]
pub(super) struct BranchKey {
    hasher: SipHasher13,
}

/// The part of a branch behind the cookie.
#[derive(Debug)]
pub(super) struct BranchText {
    bytes: [u8; BRANCH_BYTES],
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
        Self { hasher: SipHasher13::new_with_key(secret) }
    }

    /// The branch for forwarding `request`, whose topmost Via is `via`, that came from `source`
    /// to `listener`.
    pub(super) fn branch(
        &self,
        request: Message<'_>,
        via: &Via<'_>,
        source: IpAddr,
        listener: ListenerId,
    ) -> BranchText {
        let transaction = self.transaction(request, via, source, listener);
        let looping = self.looping(request);
        let mut text = BranchText { bytes: [b'.'; BRANCH_BYTES], length: 26 };
        write_hex(&mut text.bytes[..16], transaction);
        write_hex(&mut text.bytes[17..25], looping);
        let mut digits = [0; 5];
        let digits = decimal(&mut digits, listener.0);
        text.bytes[26..26 + digits.len()].copy_from_slice(digits);
        text.length += digits.len();
        text
    }

    /// The listener that the request came to, if `branch` is one of ours and `response` answers
    /// a request that we forwarded: `below` is the Via below ours.
    pub(super) fn verify(
        &self,
        response: Message<'_>,
        branch: &[u8],
        below: &Via<'_>,
    ) -> Option<ListenerId> {
        let (transaction, rest) = split(branch)?;
        let listener = ListenerId(std::str::from_utf8(rest.get(9..)?).ok()?.parse().ok()?);
        let source = below.received().or_else(|| crate::sip::host_ip(below.host))?;
        let mut expected = [0; 16];
        write_hex(&mut expected, self.transaction(response, below, source, listener));
        (expected == transaction).then_some(listener)
    }

    /// Whether `branch` is the one that we would give `request` again: it came back unchanged.
    pub(super) fn is_loop(&self, request: Message<'_>, branch: &[u8]) -> bool {
        let Some((_, rest)) = split(branch) else { return false };
        let mut expected = [0; 8];
        write_hex(&mut expected, self.looping(request));
        rest.get(..8) == Some(&expected)
    }

    /// The tag that replies made here to `request` have (RFC 3261 §8.2.7): the same for its
    /// retransmissions, and known again in the ACK.
    pub(super) fn tag(&self, request: Message<'_>) -> [u8; 16] {
        let mut hasher = self.hasher;
        hasher.write_u8(b'T');
        write_dialog_side(&mut hasher, request);
        let mut tag = [0; 16];
        write_hex(&mut tag, hasher.finish());
        tag
    }

    /// Hash over the Via below ours. A client of RFC 2543, whose branch is no identifier, is
    /// told by Call-ID, CSeq number and From tag (RFC 3261 §16.11, §17.2.3).
    fn transaction(
        &self,
        message: Message<'_>,
        via: &Via<'_>,
        source: IpAddr,
        listener: ListenerId,
    ) -> u64 {
        let mut hasher = self.hasher;
        hasher.write_u16(listener.0);
        match source {
            IpAddr::V4(ip) => hasher.write(&ip.octets()),
            IpAddr::V6(ip) => hasher.write(&ip.octets()),
        }
        hasher.write(via.host);
        hasher.write_u16(via.port.unwrap_or(0));
        match via.branch() {
            Some(branch) if starts_with_cookie(branch) => hasher.write(branch),
            branch => {
                hasher.write(branch.unwrap_or_default());
                write_dialog_side(&mut hasher, message);
            }
        }
        hasher.finish()
    }

    /// Hash over what decides the routing (RFC 3261 §16.6 step 8). To tag and method stay out,
    /// so that CANCEL and ACK get the branch of their INVITE.
    fn looping(&self, request: Message<'_>) -> u64 {
        let mut hasher = self.hasher;
        hasher.write(request.request_uri());
        for name in [HeaderName::Route, HeaderName::ProxyRequire] {
            hasher.write_u8(0xff);
            hasher.write(request.value(name).unwrap_or_default());
        }
        write_dialog_side(&mut hasher, request);
        hasher.finish()
    }
}

/// Call-ID, CSeq number and From tag: what a request has in common with its CANCEL, its ACK and
/// its responses.
fn write_dialog_side(hasher: &mut SipHasher13, message: Message<'_>) {
    hasher.write(message.value(HeaderName::CallId).unwrap_or_default());
    let number = message.value(HeaderName::CSeq).map(CSeq::parse);
    hasher.write_u32(number.and_then(Result::ok).map_or(0, |cseq| cseq.number));
    let from = message.value(HeaderName::From).map(NameAddr::parse);
    let tag = from.and_then(Result::ok).and_then(|from| from.tag());
    hasher.write(tag.unwrap_or_default());
}

/// Whether a branch identifies its transaction (RFC 3261 §8.1.1.7). The cookie is a token, so
/// its case does not matter (RFC 3261 §7.3.1).
fn starts_with_cookie(branch: &[u8]) -> bool {
    branch.len() > 7 && branch[..7].eq_ignore_ascii_case(MAGIC_COOKIE)
}

/// The transaction part of a branch of our form, and what stands behind the dot after it.
fn split(branch: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = branch.strip_prefix(MAGIC_COOKIE)?;
    let (transaction, rest) = rest.split_at_checked(16)?;
    let rest = rest.strip_prefix(b".")?;
    (rest.len() >= 10 && rest[8] == b'.').then_some((transaction, rest))
}

/// Fills `text` with the lowest digits of `number` in hexadecimal.
fn write_hex(text: &mut [u8], number: u64) {
    let mut rest = number;
    for digit in text.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(rest & 15) as usize];
        rest >>= 4;
    }
}

/// The decimal digits of `number`, at the end of `buffer`.
fn decimal(buffer: &mut [u8; 5], number: u16) -> &[u8] {
    let mut rest = number;
    let mut start = buffer.len();
    loop {
        start -= 1;
        #[expect(clippy::cast_possible_truncation, reason = "a digit")]
        let digit = (rest % 10) as u8;
        buffer[start] = b'0' + digit;
        rest /= 10;
        if rest == 0 {
            return &buffer[start..];
        }
    }
}
