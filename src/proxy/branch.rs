//! The branch of our Via and the tag of our replies: keyed hashes of what arrived, so that they
//! are the same for a request, its retransmission, its CANCEL and its ACK to a failure
//! (RFC 3261 §16.11), and so that a response can be told from one that we did not cause.
//!
//! ```text
//! z9hG4bK 0123456789abcdef . 13c4 . 0
//!         transaction        |      number of the listener that the request came to
//!                            source port of the request
//! ```
//!
//! *Transaction* is a hash over the Via below ours, which comes back with the response: its
//! branch, the port of its sent-by, its maddr and the address and port the request came from: all
//! that decides where the response goes, so that nobody who saw the branch can send it elsewhere.
//! The host of sent-by decides nothing beside that address, which also tells clients apart.
//!
//! Loops are not looked for (RFC 3261 §16.3 step 4 leaves it open): a script may route by anything,
//! so that a request which comes back with the same Request-URI and Route need not be one.
//! Max-Forwards ends those that are.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use wide::{i8x16, u8x16};

use super::response::WayBack;
use crate::limits::LISTENER_COUNT_MAX;
use crate::mem::ListenerId;
use crate::sip::{Essentials, Pen, PlainVia, Rport, Sheet, Via, transaction_id};
use crate::siphash::WordHasher;

/// Makes and recognises branches and tags.
#[derive(Debug)]
pub(super) struct BranchKey {
    hasher: WordHasher,
}

/// What a hash ends with tells what it is over: these two bits beside the number of the listener,
/// none for an IPv4 address and a Via.
const OVER_IPV6: u8 = 1 << 6;

/// As [`OVER_IPV6`], for the tag of a reply.
const OVER_DIALOG: u8 = 1 << 7;

const _: () = assert!(LISTENER_COUNT_MAX <= OVER_IPV6 as usize, "a listener has six bits");

/// Bytes of a branch behind the cookie and before the listener number.
const FIXED_BYTES: usize = 16 + 1 + 4 + 1;

/// What a request has in common with its CANCEL, its ACK and its responses.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct DialogSide<'d> {
    call_id: &'d [u8],
    cseq: u32,
    from_tag: &'d [u8],
}

impl<'d> DialogSide<'d> {
    /// That of a message.
    pub(super) fn of(essentials: &Essentials<'d>) -> Self {
        let Essentials { call_id, cseq, from, .. } = essentials;
        Self { call_id, cseq: cseq.number, from_tag: from.tag().unwrap_or_default() }
    }
}

/// What the part of a branch behind the cookie says.
#[derive(Debug)]
pub(super) struct BranchText {
    transaction: u64,
    port: u16,
    listener: ListenerId,
}

impl BranchText {
    /// Writes it.
    #[inline(always)]
    pub(super) fn write<'b>(&self, sheet: Sheet<'b>) -> Sheet<'b> {
        let [a, b, c, d] = hex4(self.port);
        let sheet = sheet.chunk(&hex16(self.transaction));
        match self.listener.0 {
            digit @ 0..10 => sheet.part(&[b'.', a, b, c, d, b'.', b'0' + digit as u8, 0], 7),
            number => sheet.chunk(&[b'.', a, b, c, d, b'.']).port(number),
        }
    }

    /// As [`Self::write`], with a pen.
    pub(super) fn write_any(&self, pen: &mut Pen<'_>) {
        let [a, b, c, d] = hex4(self.port);
        pen.chunk(&hex16(self.transaction)).chunk(&[b'.', a, b, c, d, b'.']).port(self.listener.0);
    }
}

/// The hexadecimal digits of each octet.
static HEX: [[u8; 2]; 256] = {
    let digits = b"0123456789abcdef";
    let mut pairs = [[0; 2]; 256];
    let mut octet = 0;
    while octet < pairs.len() {
        pairs[octet] = [digits[octet / 16], digits[octet % 16]];
        octet += 1;
    }
    pairs
};

impl BranchKey {
    /// The key made of `secret`.
    pub(super) fn new(secret: &[u8; 16]) -> Self {
        Self { hasher: WordHasher::new(secret) }
    }

    /// The branch for forwarding the request with these essentials, that came from `source` to
    /// `listener`.
    pub(super) fn branch(
        &self,
        essentials: &Essentials<'_>,
        source: &SocketAddr,
        listener: ListenerId,
    ) -> BranchText {
        BranchText {
            transaction: self
                .transaction(&essentials.via, source, listener, || DialogSide::of(essentials)),
            port: source.port(),
            listener,
        }
    }

    /// As [`Self::branch`], of a request as almost all are.
    #[inline(always)]
    pub(super) fn plain_branch(
        &self,
        via: &Via<'_>,
        source: &SocketAddrV4,
        listener: ListenerId,
    ) -> Option<BranchText> {
        let transaction = self.plain_hash((via.plain_id()?, via.port), *source, listener);
        Some(BranchText { transaction, port: source.port(), listener })
    }

    /// The listener that the request came to and the port that it came from, if the topmost branch,
    /// of which this is what stands behind the cookie, is one of ours and the response answers a
    /// request that we forwarded: `below` is the Via below ours, `way` what it says of where the
    /// request came from, `dialog` what the response has in common with it.
    #[inline]
    pub(super) fn verify<'d>(
        &self,
        branch: &[u8],
        below: &Via<'_>,
        way: WayBack<'_>,
        dialog: impl FnOnce() -> DialogSide<'d>,
    ) -> Option<(ListenerId, u16)> {
        let (claim, b"") = Claim::ahead(branch)? else { return None };
        let (port, listener) = (parse_hex(*claim.port)?, claim.listener);
        let source = SocketAddr::new(way.ip?, port);
        if matches!(way.rport, Rport::Filled(rport) if rport != port) {
            return None;
        }
        let expected = self.transaction(below, &source, listener, dialog);
        is_hash(expected, claim.transaction).then_some((listener, port))
    }

    /// Whether the topmost branch, which says `claim`, is one of ours, as [`Self::verify`] finds
    /// out; `below` is the Via below ours, `ip` what its address is.
    #[inline(always)]
    pub(super) fn verify_plain(
        &self,
        claim: Claim<'_>,
        below: &PlainVia<'_>,
        ip: Ipv4Addr,
    ) -> Option<ListenerId> {
        let Claim { transaction, port, listener } = claim;
        let port = match below.rport {
            // As numbers: octets would be compared one by one.
            Some(rport) if u32::from_ne_bytes(hex4(rport)) == u32::from_ne_bytes(*port) => rport,
            Some(_) => return None,
            None => parse_hex(*port)?,
        };
        let source = SocketAddrV4::new(ip, port);
        let expected = self.plain_hash((below.id, below.port), source, listener);
        is_hash(expected, transaction).then_some(listener)
    }

    /// The tag that replies made here have (RFC 3261 §8.2.7): the same for retransmissions, and
    /// known again in the ACK.
    pub(super) fn tag(&self, call_id: &[u8], cseq: Option<u32>, from_tag: &[u8]) -> [u8; 16] {
        let dialog = DialogSide { call_id, cseq: cseq.unwrap_or_default(), from_tag };
        hex16(with_dialog(self.hasher, dialog).finish([0, 0, 0, 0, 0, 0, OVER_DIALOG]))
    }

    /// Hash over the Via below ours. A client of RFC 2543, whose branch is no identifier, is
    /// told by Call-ID, CSeq number and From tag (RFC 3261 §16.11, §17.2.3).
    ///
    /// All that goes in are words of eight octets, which the hash takes as they are, and the
    /// lengths of the texts. Sixty-four bits are enough: whoever wants to have one right that he
    /// has not seen can but try, and each try is a message to this server.
    #[inline]
    fn transaction<'d>(
        &self,
        via: &Via<'_>,
        source: &SocketAddr,
        listener: ListenerId,
        dialog: impl FnOnce() -> DialogSide<'d>,
    ) -> u64 {
        let plain = match source {
            SocketAddr::V4(source) => self.plain_transaction(via, source, listener),
            SocketAddr::V6(_) => None,
        };
        plain.unwrap_or_else(|| self.any_transaction(via, source, listener, dialog()))
    }

    /// As [`Self::transaction`], for almost all: IPv4, a branch that is an identifier, no `maddr`.
    #[inline(never)]
    fn plain_transaction(
        &self,
        via: &Via<'_>,
        source: &SocketAddrV4,
        listener: ListenerId,
    ) -> Option<u64> {
        Some(self.plain_hash((via.plain_id()?, via.port), *source, listener))
    }

    /// The hash over a Via with this identifier and port below ours, of a request from there.
    #[inline(always)]
    fn plain_hash(
        &self,
        (id, sent_by_port): (&[u8], Option<u16>),
        source: SocketAddrV4,
        listener: ListenerId,
    ) -> u64 {
        let way = u64::from(source.ip().to_bits()) << 32 | ports(sent_by_port, source.port());
        self.hasher.hash_between(way, id, ending([id, &[]], listener, 0))
    }

    /// As [`Self::transaction`].
    #[inline(never)]
    fn any_transaction(
        &self,
        via: &Via<'_>,
        source: &SocketAddr,
        listener: ListenerId,
        dialog: DialogSide<'_>,
    ) -> u64 {
        let branch = via.branch().unwrap_or_default();
        let id = transaction_id(branch);
        let texts = [id.unwrap_or(branch), via.maddr().unwrap_or_default()];
        let mut hasher = self.hasher;
        let (ip, kind) = match source {
            SocketAddr::V4(source) => (source.ip().to_bits(), 0),
            SocketAddr::V6(source) => {
                hasher.text(&source.ip().octets());
                (0, OVER_IPV6)
            }
        };
        hasher.word(u64::from(ip) << 32 | ports(via.port, source.port()));
        let [branch, maddr] = texts;
        hasher.text(branch);
        if !maddr.is_empty() {
            hasher.text(maddr);
        }
        if id.is_none() {
            hasher = with_dialog(hasher, dialog);
        }
        hasher.finish(ending(texts, listener, kind))
    }
}

/// The ports of the sent-by and of where the request came from.
#[inline]
fn ports(sent_by: Option<u16>, source: u16) -> u64 {
    u64::from(source) << 16 | u64::from(sent_by.unwrap_or(0))
}

/// What a hash ends with: the lengths of the texts, so that they need nothing between them. A Via
/// is shorter than 2^16.
#[inline]
fn ending(texts: [&[u8]; 2], listener: ListenerId, kind: u8) -> [u8; 7] {
    let [[a, b], [c, d]] = texts.map(|text| (text.len() as u16).to_le_bytes());
    [a, b, c, d, 0, 0, kind | listener.0 as u8 & (OVER_IPV6 - 1)]
}

/// The hash with this, too.
#[inline(always)]
fn with_dialog(mut hasher: WordHasher, dialog: DialogSide<'_>) -> WordHasher {
    let DialogSide { call_id, cseq, from_tag } = dialog;
    hasher.word(call_id.len() as u64);
    hasher.any_text(call_id);
    hasher.word(from_tag.len() as u64);
    hasher.any_text(from_tag);
    hasher.word(cseq.into());
    hasher
}

/// What a branch of our form says, which need not be one of ours.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim<'d> {
    transaction: &'d [u8; 16],
    /// The digits of the port that the request came from.
    port: &'d [u8; 4],
    /// The listener that the request came to.
    pub(super) listener: ListenerId,
}

impl<'d> Claim<'d> {
    /// That of the branch that `text` starts with, behind the cookie, and what stands behind it.
    #[inline(always)]
    pub(super) fn ahead(text: &'d [u8]) -> Option<(Self, &'d [u8])> {
        let (fixed, listener) = text.split_first_chunk::<FIXED_BYTES>()?;
        let (transaction, [b'.', port @ .., b'.']) = fixed.split_first_chunk()? else {
            return None;
        };
        let (listener, behind) = match listener {
            [digit @ b'0'..=b'9', b'\r', ..] => (u16::from(digit - b'0'), &listener[1..]),
            _ => leading_decimal(listener)?,
        };
        let listener = ListenerId(listener);
        Some((Self { transaction, port: port.first_chunk()?, listener }, behind))
    }
}

/// Whether these are the digits of a hash.
#[inline(always)]
fn is_hash(hash: u64, digits: &[u8; 16]) -> bool {
    // As numbers: octets would be compared one by one.
    let [hash, digits] = [hex16(hash), *digits].map(u128::from_ne_bytes);
    hash == digits
}

/// The hexadecimal digits of `number`.
#[inline(always)]
fn hex4(number: u16) -> [u8; 4] {
    let [[a, b], [c, d]] = number.to_be_bytes().map(|octet| HEX[usize::from(octet)]);
    [a, b, c, d]
}

/// The hexadecimal digits of `number`, all at once.
#[inline]
fn hex16(number: u64) -> [u8; 16] {
    /// The lower digit of each octet.
    const LOWER: u64 = u64::from_ne_bytes([0x0f; 8]);
    let octets = |number: u64| u8x16::new(u128::from(number.swap_bytes()).to_le_bytes());
    let digits = u8x16::unpack_low(octets(number >> 4 & LOWER), octets(number & LOWER));
    let are_letters = digits.cast_signed().simd_gt(i8x16::splat(9)).cast_unsigned();
    let letters = are_letters & u8x16::splat(b'a' - b'0' - 10);
    (digits + letters + u8x16::splat(b'0')).to_array()
}

/// The number of a listener, as [`BranchText::write`] wrote it, and what stands behind it.
fn leading_decimal(text: &[u8]) -> Option<(u16, &[u8])> {
    let count = text.iter().take_while(|digit| digit.is_ascii_digit()).count();
    let (digits, behind) = text.split_at(count);
    let number = digits
        .iter()
        .try_fold(0_u16, |sum, digit| sum.checked_mul(10)?.checked_add(u16::from(digit - b'0')));
    Some((number.filter(|_| count > 0)?, behind))
}

/// The port whose digits [`BranchText::write`] wrote.
#[inline(always)]
fn parse_hex(digits: [u8; 4]) -> Option<u16> {
    let values = digits.map(|digit| VALUES[usize::from(digit)]);
    let are_digits = values.iter().fold(0, |all, value| all | value) < 16;
    are_digits.then(|| values.iter().fold(0, |sum, value| sum << 4 | u16::from(*value)))
}

/// The value of each octet that is a hexadecimal digit as they are written here; 16 of others.
static VALUES: [u8; 256] = {
    let digits = b"0123456789abcdef";
    let mut values = [16; 256];
    let mut value = 0;
    while value < digits.len() {
        values[digits[value] as usize] = value as u8;
        value += 1;
    }
    values
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sip::MAGIC_COOKIE;

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
        fn a_plain_hash_is_that_of_any(
            host in "[0-9a-z.]{1,20}",
            port in proptest::option::of(any::<u16>()),
            id in "[0-9A-Za-z]{1,40}",
            source: u32,
            source_port: u16,
            listener in 0_u16..64,
        ) {
            let port = port.map(|port| format!(":{port}")).unwrap_or_default();
            let text = format!("SIP/2.0/UDP {host}{port};branch=z9hG4bK{id}");
            let via = Via::parse(text.as_bytes()).unwrap();
            let key = BranchKey::new(b"0123456789abcdef");
            let source = SocketAddrV4::new(source.into(), source_port);
            let listener = ListenerId(listener);
            let plain = key.plain_transaction(&via, &source, listener);
            let any = key.any_transaction(&via, &source.into(), listener, DialogSide::default());
            prop_assert_eq!(plain, Some(any));
        }

        #[test]
        fn a_branch_is_read_as_it_was_written(
            transaction: u64,
            port: u16,
            listener: u16,
        ) {
            let listener = ListenerId(listener);
            let branch = BranchText { transaction, port, listener };
            let mut room = [0; Sheet::BYTES];
            let length = branch.write(Sheet::new(&mut room).text(MAGIC_COOKIE)).written().unwrap();
            let text = &room[..length];
            let mut other = [0; MAGIC_COOKIE.len() + FIXED_BYTES + 8];
            let mut pen = Pen::new(&mut other);
            branch.write_any(pen.text(MAGIC_COOKIE));
            prop_assert_eq!(pen.written(), Some(length));
            prop_assert_eq!(text, &other[..length]);
            let number = listener.0;
            let expected = format!("z9hG4bK{transaction:016x}.{port:04x}.{number}");
            prop_assert_eq!(String::from_utf8_lossy(text), expected);
            for behind in ["", "\r\nVia: ", ";x"] {
                let text = [&text[MAGIC_COOKIE.len()..], behind.as_bytes()].concat();
                let (claim, rest) = Claim::ahead(&text).unwrap();
                prop_assert_eq!(rest, behind.as_bytes());
                prop_assert_eq!(*claim.transaction, hex16(transaction));
                prop_assert_eq!((parse_hex(*claim.port), claim.listener.0), (Some(port), number));
            }
        }
    }
}
