//! Looking for octets, sixteen at a time. Every `x86-64` and `AArch64` processor can do that in
//! a few instructions; within a header field a call of the longer vector code of `memchr` costs
//! more than the search itself.

use wide::{i8x16, u8x16};

/// Sixteen octets.
#[derive(Clone, Copy)]
pub(super) struct Block(u8x16);

/// Some of the sixteen: each of its octets has all bits set, or none.
#[derive(Clone, Copy)]
pub(super) struct Lanes(u8x16);

impl Block {
    /// How many octets a block has.
    pub(super) const LENGTH: usize = 16;

    /// These octets.
    #[inline]
    pub(super) const fn new(bytes: [u8; Self::LENGTH]) -> Self {
        Self(u8x16::new(bytes))
    }

    /// Eight octets and eight more.
    #[inline]
    pub(super) fn halves(first: [u8; 8], second: [u8; 8]) -> Self {
        let halves = u128::from(u64::from_le_bytes(first))
            | u128::from(u64::from_le_bytes(second)) << (8 * first.len());
        Self::new(halves.to_le_bytes())
    }

    /// The octets of a text of less than eight, some of them twice, and zeros.
    #[inline]
    pub(super) fn few(text: &[u8]) -> Self {
        let number = |octets: Option<&[u8; 4]>| octets.map(|it| u32::from_le_bytes(*it));
        let octets = match (number(text.first_chunk()), number(text.last_chunk())) {
            (Some(first), Some(last)) => u64::from(first) | u64::from(last) << 32,
            _ => match text {
                [first, .., last] => {
                    let middle = text[text.len() / 2];
                    u64::from(*first) | u64::from(middle) << 8 | u64::from(*last) << 16
                }
                _ => text.first().map_or(0, |octet| u64::from(*octet)),
            },
        };
        Self::halves(octets.to_le_bytes(), [0; 8])
    }

    /// Those that are `wanted`.
    #[inline]
    pub(super) fn is(self, wanted: u8) -> Lanes {
        Lanes(self.0.simd_eq(u8x16::splat(wanted)))
    }

    /// Those that are at most `highest`.
    #[inline]
    pub(super) fn at_most(self, highest: u8) -> Lanes {
        Lanes(self.0.min(u8x16::splat(highest)).simd_eq(self.0))
    }

    /// Those from `lowest` to `highest`, both of ASCII.
    #[inline]
    pub(super) fn within(self, lowest: u8, highest: u8) -> Lanes {
        // The highest becomes the highest signed number, what is above it negative.
        let shift = i8::MAX as u8 - highest;
        let below = lowest.wrapping_add(shift).wrapping_sub(1);
        let shifted = (self.0 + u8x16::splat(shift)).cast_signed();
        Lanes(shifted.simd_gt(i8x16::splat(below.cast_signed())).cast_unsigned())
    }

    /// Semicolons, equals signs, angle brackets and what is not from the hyphen to the tilde, but
    /// for the plus sign, with which many users start.
    #[inline]
    pub(super) fn edges(self) -> Lanes {
        // The four delimiters follow each other, and now differ in two bits. Plus sign and comma
        // change places: the lowest of the others is the plus sign.
        let shifted = (self.0 + u8x16::ONE) ^ u8x16::ONE;
        let others = shifted.cast_signed().simd_lt(i8x16::splat(b'-'.cast_signed()));
        let delimiters = (shifted | u8x16::splat(3)).simd_eq(u8x16::splat(b'>' + 1));
        Lanes(others.cast_unsigned() | delimiters)
    }

    /// Angle brackets, which differ in one bit.
    #[inline]
    pub(super) fn angles(self) -> Lanes {
        Self(self.0 | u8x16::splat(b'<' ^ b'>')).is(b'>')
    }

    /// Upper-case letters as lower-case ones, lower-case letters as they are; the others are no
    /// longer what they were.
    #[inline]
    pub(super) fn with_case(self) -> Self {
        Self(self.0 | u8x16::splat(0x20))
    }

    /// Those that are the same in `other` once the bits of `ignored` are set, and what is higher
    /// than `highest` is that.
    #[inline]
    pub(super) fn is_but_for(self, ignored: Self, highest: Self, other: Self) -> Lanes {
        Lanes((self.0 | ignored.0).min(highest.0).simd_eq(other.0))
    }
}

impl Lanes {
    /// All of them.
    pub(super) const ALL: Self = Self(u8x16::MAX);

    /// A bit for each octet, the lowest for the first.
    #[inline]
    pub(super) fn bits(self) -> u32 {
        self.0.to_bitmask()
    }

    /// Where the first of them is; just behind the block if there is none.
    #[inline]
    pub(super) fn start(self) -> usize {
        (self.bits() | 1 << Block::LENGTH).trailing_zeros() as usize
    }

    /// Whether it is at least that many from the first on, which are fewer than there are.
    #[inline]
    pub(super) fn first(self, count: usize) -> bool {
        self.bits() | u32::MAX << count == u32::MAX
    }

    /// Whether it is all of them.
    #[inline]
    pub(super) fn are_all(self) -> bool {
        self.bits() == u32::from(u16::MAX)
    }
}

impl std::ops::Not for Lanes {
    type Output = Self;

    #[inline]
    fn not(self) -> Self {
        Self(!self.0)
    }
}

impl std::ops::BitAnd for Lanes {
    type Output = Self;

    #[inline]
    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl std::ops::BitOr for Lanes {
    type Output = Self;

    #[inline]
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Offset of the first `wanted` in `text`.
#[inline]
pub(super) fn find(text: &[u8], wanted: u8) -> Option<usize> {
    search(text, |block| block.is(wanted), |byte| byte == wanted)
}

/// Offset of the first octet in `text` that is one of the two.
#[inline]
pub(super) fn find2(text: &[u8], one: u8, other: u8) -> Option<usize> {
    let mark = |block: Block| block.is(one) | block.is(other);
    search(text, mark, |byte| byte == one || byte == other)
}

/// Offset of the first octet that `mark` marks in a block, or `is` says of an octet. The last
/// block overlaps with the one before it: what was seen there was no match.
#[inline]
pub(super) fn search(
    text: &[u8],
    mark: impl Fn(Block) -> Lanes,
    is: impl Fn(u8) -> bool,
) -> Option<usize> {
    let (blocks, _) = text.as_chunks::<{ Block::LENGTH }>();
    for (number, block) in blocks.iter().enumerate() {
        let bits = mark(Block::new(*block)).bits();
        if bits != 0 {
            return Some(number * Block::LENGTH + bits.trailing_zeros() as usize);
        }
    }
    if let Some(last) = text.last_chunk::<{ Block::LENGTH }>() {
        let bits = mark(Block::new(*last)).bits();
        return (bits != 0).then(|| text.len() - Block::LENGTH + bits.trailing_zeros() as usize);
    }
    let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) else {
        return text.iter().position(|byte| is(*byte));
    };
    let bits = mark(Block::halves(*first, *last)).bits();
    let place = bits.trailing_zeros() as usize;
    match bits {
        0 => None,
        _ if place < first.len() => Some(place),
        _ => Some(place + text.len() - Block::LENGTH),
    }
}

/// How long a text may be for [`marks`]: a bit is left for what lies behind.
pub(super) const MARKED_MAX: usize = 63;

/// Where octets of several kinds are in `text`: for each kind a word with a bit for each octet,
/// the lowest for the first. `kinds` also says which octets may be there at all. `None` if there
/// is another one, or if the text has more than [`MARKED_MAX`] octets. A zero digit must be of no
/// kind, and allowed.
#[inline]
pub(super) fn marks<const KINDS: usize>(
    text: &[u8],
    kinds: impl Fn(Block) -> ([Lanes; KINDS], Lanes),
) -> Option<[u64; KINDS]> {
    if text.len() > MARKED_MAX {
        return None;
    }
    let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) else {
        return few_marks(text, kinds);
    };
    let mut marks = [0; KINDS];
    let mut plain = Lanes::ALL;
    let mut look = |block: &[u8; Block::LENGTH], shift: usize| {
        let (kinds, allowed) = kinds(Block::new(*block));
        plain = plain & allowed;
        let bits = kinds.map(|lanes| u64::from(lanes.bits()));
        marks.iter_mut().zip(bits).for_each(|(marks, bits)| *marks |= bits << shift);
    };
    look(first, 0);
    // It overlaps with the block before it and says the same where it does.
    look(last, text.len() - Block::LENGTH);
    let (blocks, _) = text.as_chunks();
    if let [_, second, third @ ..] = blocks {
        look(second, Block::LENGTH);
        if let [third, ..] = third {
            look(third, 2 * Block::LENGTH);
        }
    }
    plain.are_all().then_some(marks)
}

/// As [`marks`], of less than a block.
#[inline]
fn few_marks<const KINDS: usize>(
    text: &[u8],
    kinds: impl Fn(Block) -> ([Lanes; KINDS], Lanes),
) -> Option<[u64; KINDS]> {
    let halves = (text.first_chunk::<8>(), text.last_chunk::<8>());
    let ((kinds, allowed), shift) = if let (Some(first), Some(last)) = halves {
        (kinds(Block::halves(*first, *last)), text.len() - last.len())
    } else {
        let mut block = [b'0'; Block::LENGTH];
        block.iter_mut().zip(text).for_each(|(octet, byte)| *octet = *byte);
        // The other half has nothing.
        (kinds(Block::new(block)), 8)
    };
    let bits = kinds.map(|lanes| u64::from(lanes.bits()));
    allowed.are_all().then(|| bits.map(|bits| bits & 0xff | bits >> 8 << shift))
}

/// Where [`Block::edges`] are in the first `length` octets of `line`, and a bit behind them all.
/// `None` if they are more than [`MARKED_MAX`], or if the line has not a stretch of octets: what
/// is behind them is looked at, too, as that is quicker.
#[inline(always)]
pub(super) fn edges_ahead(line: &[u8], length: usize) -> Option<u64> {
    let stretch = line.first_chunk::<STRETCH>().filter(|_| length <= MARKED_MAX)?;
    let (blocks, _) = stretch.as_chunks::<{ Block::LENGTH }>();
    let bits = |at: usize| u64::from(Block::new(blocks[at]).edges().bits());
    let mut edges = bits(0) | bits(1) << Block::LENGTH;
    if length >= 2 * Block::LENGTH {
        edges |= (bits(2) | bits(3) << Block::LENGTH) << (2 * Block::LENGTH);
    }
    let end = 1 << length;
    Some(edges & (end - 1) | end)
}

/// Octets that [`stretch_marks`] looks at.
pub(super) const STRETCH: usize = 64;

/// The octets of `stretch` that are `wanted`: a bit for each, the lowest for the first.
#[inline]
pub(super) fn stretch_marks(stretch: &[u8; STRETCH], wanted: u8) -> u64 {
    let (blocks, _) = stretch.as_chunks::<{ Block::LENGTH }>();
    blocks.iter().rev().fold(0, |marks, block| {
        marks << Block::LENGTH | u64::from(Block::new(*block).is(wanted).bits())
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::octet::{are_host, are_plain, are_uri, host_prefix_len, is_host, prefix_len};
    use super::*;

    proptest! {
        #[test]
        fn what_is_found_is_what_a_plain_search_finds(
            text in proptest::collection::vec(
                prop_oneof![
                    proptest::sample::select(&b";=\0:\xba\xbb*+,-.\x7f~<>"[..]),
                    any::<u8>(),
                ],
                0..200,
            ),
        ) {
            for wanted in [b';', b'=', b':', b'\0'] {
                let places = || (0..text.len()).filter(|place| text[*place] == wanted);
                prop_assert_eq!(find(&text, wanted), places().next());
            }
            let refused = [b'"', b'~'];
            let kinds = |block: Block| {
                let others = block.is(refused[0]) | block.is(refused[1]);
                ([block.is(b';'), block.within(b':', b'=')], !others)
            };
            let found = marks(&text, kinds);
            let bits = |is: fn(u8) -> bool| {
                let set = text.iter().take(64).enumerate().filter(|(_, byte)| is(**byte));
                set.fold(0_u64, |bits, (place, _)| bits | 1_u64 << place)
            };
            let fits = text.len() <= MARKED_MAX && !text.iter().any(|byte| refused.contains(byte));
            prop_assert_eq!(found.is_some(), fits);
            if let Some(found) = found {
                let within = bits(|byte| (b':'..=b'=').contains(&byte));
                prop_assert_eq!(found, [bits(|byte| byte == b';'), within]);
            }
            let ahead = edges_ahead(&[&text[..], &[0; STRETCH]].concat(), text.len());
            let is_edge = |byte| matches!(byte, ..b'-' | b';'..=b'>' | 0x7f..) && byte != b'+';
            let edges = bits(is_edge);
            let fits = text.len() <= MARKED_MAX;
            prop_assert_eq!(ahead, fits.then(|| edges | 1 << text.len()));
            let expected = text.iter().position(|byte| matches!(byte, b';' | b'='));
            prop_assert_eq!(find2(&text, b';', b'='), expected);
        }

        #[test]
        fn texts_are_classed_as_their_octets_are(
            text in proptest::collection::vec(
                prop_oneof![20 => b'!'..=b'~', 1 => any::<u8>()],
                0..60,
            ),
        ) {
            let plain = text.iter().all(|byte| byte.is_ascii_graphic() && !b"\"<>,".contains(byte));
            prop_assert_eq!(are_plain(&text), plain);
            let uri = text.iter().all(|byte| *byte > b' ' && !b"\"<>\x7f".contains(byte));
            prop_assert_eq!(are_uri(&text), uri);
            prop_assert_eq!(host_prefix_len(&text), prefix_len(&text, is_host));
            let host = !text.is_empty() && text.iter().all(|byte| is_host(*byte));
            prop_assert_eq!(are_host(&text), host);
        }
    }
}
