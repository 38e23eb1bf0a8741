//! Header field names.

use super::fields::front;
use super::scan::{Block, Lanes};

/// Declares [`HeaderName`]: variant, canonical name, compact form.
macro_rules! header_names {
    ($($variant:ident $name:literal $($compact:literal)?,)*) => {
        /// The name of a header field (RFC 3261 §7.3.3, §20). Names that the server itself never
        /// looks at are [`HeaderName::Other`]; their bytes stay in the message.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum HeaderName {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
            /// Any other name.
            Other,
        }

        impl HeaderName {
            /// How many there are, `Other` included.
            pub const COUNT: usize = Self::Other as usize + 1;

            /// The name in its usual spelling; empty for [`HeaderName::Other`].
            #[must_use]
            pub const fn canonical(self) -> &'static str {
                match self { $(Self::$variant => $name,)* Self::Other => "" }
            }

            /// All of them, by their numbers.
            pub(super) const ALL: [Self; Self::COUNT] = [$(Self::$variant,)* Self::Other];

            /// All spellings: the names and their compact forms.
            const SPELLINGS: &[(&'static [u8], Self)] = &[
                $(($name.as_bytes(), Self::$variant), $((&[$compact], Self::$variant),)?)*
            ];
        }
    };
}

header_names! {
    Via "Via" b'v',
    From "From" b'f',
    To "To" b't',
    CallId "Call-ID" b'i',
    CSeq "CSeq",
    ContentLength "Content-Length" b'l',
    Contact "Contact" b'm',
    MaxForwards "Max-Forwards",
    Route "Route",
    RecordRoute "Record-Route",
    ContentType "Content-Type" b'c',
    UserAgent "User-Agent",
    Expires "Expires",
    Supported "Supported" b'k',
    Allow "Allow",
    Require "Require",
    ProxyRequire "Proxy-Require",
    Authorization "Authorization",
    ProxyAuthorization "Proxy-Authorization",
    Path "Path",
    Subject "Subject" b's',
    Event "Event" b'o',
    ReferTo "Refer-To" b'r',
    Server "Server",
    MinExpires "Min-Expires",
    Date "Date",
    Unsupported "Unsupported",
    Warning "Warning",
    ContentEncoding "Content-Encoding" b'e',
    AllowEvents "Allow-Events" b'u',
    ReferredBy "Referred-By" b'b',
    SessionExpires "Session-Expires" b'x',
    Accept "Accept",
    RetryAfter "Retry-After",
    Diversion "Diversion",
    PAssertedIdentity "P-Asserted-Identity",
    RemotePartyId "Remote-Party-ID",
}

impl HeaderName {
    /// The name that `bytes` spell, in any case, long or compact.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Self {
        let Some(first) = bytes.first() else { return Self::Other };
        let start = [*first, *bytes.get(1).unwrap_or(&b':')];
        let found = Spelling::find(start, |spelling| spelling.text().eq_ignore_ascii_case(bytes));
        found.map_or(Self::Other, Spelling::name)
    }

    /// As [`Self::parse`], for the first `length` octets of a header line, which a colon follows.
    #[inline]
    pub(super) fn parse_start(line: &[u8], length: usize) -> Self {
        let split = line.split_first().filter(|_| (1..=Spelling::LENGTH_MAX).contains(&length));
        let Some((first, Some(behind))) = split.map(|(first, rest)| (first, rest.first_chunk()))
        else {
            return Self::parse(line.get(..length).unwrap_or_default());
        };
        let block = Block::new(*behind);
        let found = Spelling::find([*first, behind[0]], |spelling| {
            spelling.len() == length && spelling.is_same(block).first(length - 1)
        });
        found.map_or(Self::Other, Spelling::name)
    }
}

/// A spelling of a name, as it is compared with the start of a header line: all octets but the
/// first, for that one is known from where the spelling was found.
#[repr(align(64))]
pub(super) struct Spelling {
    /// The other octets in lower case, the colon and the space behind them, the lowest octet that a
    /// value can start with, then all bits set.
    ahead: Block,
    /// The bits of `ahead` that may differ: of a letter the one that tells its cases apart, of
    /// what stands behind the start of the value all.
    ignored: Block,
    /// What higher octets count as: where the value starts, the lowest that it can start with.
    highest: Block,
    /// The front of its field, for a line feed at 0 before the line.
    front: u64,
    name: HeaderName,
    /// Its position in [`HeaderName::SPELLINGS`].
    number: u8,
    /// The next one of the same place.
    next: Option<&'static Self>,
}

impl Spelling {
    /// The spelling that the first octets of a header line are, with a colon, a space and the
    /// start of a value behind it. Finds none that is longer than [`Self::LENGTH_MAX`].
    #[inline]
    pub(super) fn ahead(ahead: &[u8; Self::AHEAD]) -> Option<&'static Self> {
        let [first, second, ..] = *ahead;
        let block = Block::new(*ahead.last_chunk()?);
        let mut spelling = PLACES[place([first, second])];
        // As often as there are names in a place: nothing that goes on has to be kept for more.
        for _ in 1..PLACE_MAX {
            if spelling.is_same(block).are_all() {
                return Some(spelling);
            }
            spelling = spelling.next?;
        }
        spelling.is_same(block).are_all().then_some(spelling)
    }

    /// The spelling with these first two octets, the colon counted, that is the wanted one.
    #[inline]
    fn find(start: [u8; 2], is_wanted: impl Fn(&'static Self) -> bool) -> Option<&'static Self> {
        let spelling = PLACES[place(start)];
        if is_wanted(spelling) { Some(spelling) } else { spelling.find_behind(is_wanted) }
    }

    /// The spelling behind this one in its place that is the wanted one.
    #[inline(always)]
    fn find_behind(&self, is_wanted: impl Fn(&'static Self) -> bool) -> Option<&'static Self> {
        let mut next = self.next;
        while let Some(spelling) = next {
            if is_wanted(spelling) {
                return Some(spelling);
            }
            next = spelling.next;
        }
        None
    }

    /// Where the octets of `block`, which are those behind the first, are those of this spelling
    /// and of what stands behind it.
    #[inline]
    fn is_same(&self, block: Block) -> Lanes {
        block.is_but_for(self.ignored, self.highest, self.ahead)
    }

    /// How many octets [`Self::ahead`] looks at.
    pub(super) const AHEAD: usize = 1 + Block::LENGTH;

    /// How long those are that it finds: there is room for the colon, the space and an octet.
    pub(super) const LENGTH_MAX: usize = Self::AHEAD - 3;

    /// The name.
    #[inline]
    pub(super) const fn name(&self) -> HeaderName {
        self.name
    }

    /// The front of its field, for a line feed at 0 before the line.
    #[inline]
    pub(super) const fn front(&self) -> u64 {
        self.front
    }

    /// Its octets.
    fn text(&self) -> &'static [u8] {
        HeaderName::SPELLINGS.get(usize::from(self.number)).map_or(&[], |(text, _)| text)
    }

    /// How long it is.
    #[inline]
    const fn len(&self) -> usize {
        (self.front >> 16 & 0xffff) as usize - 1
    }

    /// The spelling of that number, without one behind it; with a number that there is not, one
    /// that is found by nothing.
    const fn new(number: usize) -> Self {
        let (text, name) = if number < HeaderName::SPELLINGS.len() {
            HeaderName::SPELLINGS[number]
        } else {
            (b"" as &[u8], HeaderName::Other)
        };
        let (ahead, ignored, highest) = if text.is_empty() || text.len() > Self::LENGTH_MAX {
            // No octet is 1 whose bits are all set.
            ([1; Block::LENGTH], [u8::MAX; Block::LENGTH], [u8::MAX; Block::LENGTH])
        } else {
            compared(text)
        };
        Self {
            ahead: Block::new(ahead),
            ignored: Block::new(ignored),
            highest: Block::new(highest),
            front: front(name, [1, text.len() + 1, text.len() + 3]),
            name,
            number: number as u8,
            next: None,
        }
    }
}

/// What a spelling is compared by: [`Spelling::ahead`], `ignored` and `highest`.
const fn compared(text: &[u8]) -> ([u8; Block::LENGTH], [u8; Block::LENGTH], [u8; Block::LENGTH]) {
    let all = [u8::MAX; Block::LENGTH];
    let (mut ahead, mut ignored, mut highest) = (all, all, all);
    let mut at = 1;
    while at < text.len() {
        ahead[at - 1] = text[at].to_ascii_lowercase();
        ignored[at - 1] = if text[at].is_ascii_alphabetic() { CASE } else { 0 };
        at += 1;
    }
    (ahead[at - 1], ignored[at - 1]) = (b':', 0);
    (ahead[at], ignored[at]) = (b' ', 0);
    (ahead[at + 1], ignored[at + 1], highest[at + 1]) = (VALUE_MIN, 0, VALUE_MIN);
    (ahead, ignored, highest)
}

/// The lowest octet that a value can start with: no space and no control.
const VALUE_MIN: u8 = b' ' + 1;

/// The bit that tells the cases of a letter apart.
const CASE: u8 = 0x20;

/// Room for spellings: a power of two, so that no number is out of bounds.
const SPELLING_COUNT: usize = 64;

/// In [`Spelling::next`]: no other spelling.
const NONE: u8 = SPELLING_COUNT as u8 - 1;

const _: () = assert!(HeaderName::SPELLINGS.len() <= NONE as usize, "the last is none");

/// All spellings. Those of one place are chained in the order in which they are declared.
static SPELLINGS: [Spelling; SPELLING_COUNT] = {
    let mut spellings = [const { Spelling::new(NONE as usize) }; SPELLING_COUNT];
    let mut firsts = [None; 1 << u8::BITS];
    let mut at = HeaderName::SPELLINGS.len();
    while at > 0 {
        at -= 1;
        let place = place_of(HeaderName::SPELLINGS[at].0);
        spellings[at] = Spelling { next: firsts[place], ..Spelling::new(at) };
        firsts[place] = Some(&SPELLINGS[at]);
    }
    spellings
};

/// How many spellings have the same place, but for those that are longer than
/// [`Spelling::LENGTH_MAX`], which are declared behind the others of their place.
const PLACE_MAX: usize = 5;

/// For each value of [`place`] the first spelling that has it, or one that is found by nothing.
static PLACES: [&Spelling; 1 << u8::BITS] = {
    let mut places = [&SPELLINGS[NONE as usize]; 1 << u8::BITS];
    let mut at = HeaderName::SPELLINGS.len();
    while at > 0 {
        at -= 1;
        places[place_of(HeaderName::SPELLINGS[at].0)] = &SPELLINGS[at];
    }
    places
};

/// The [`place`] of a spelling.
const fn place_of(text: &[u8]) -> usize {
    place([text[0], if text.len() > 1 { text[1] } else { b':' }])
}

/// The place of a spelling in a table, made of its first two octets, the colon counted. The
/// multiplier keeps different ones apart as well as 256 places can; of those with the same second
/// octet, two have the same place only if their first octets differ in case alone.
#[inline]
const fn place(start: [u8; 2]) -> usize {
    let start = u16::from_le_bytes(start) | u16::from_le_bytes([CASE; 2]);
    (start.wrapping_mul(0x0115) >> u8::BITS) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A line that starts with `text` and a colon.
    fn line(text: &[u8]) -> Vec<u8> {
        [text, b": \xff\x0041234567890abcdef"].concat()
    }

    /// The name of a line that starts with `text` and a colon, as [`Spelling::ahead`] finds it.
    fn ahead(text: &[u8]) -> HeaderName {
        let found = Spelling::ahead(line(text).first_chunk().unwrap());
        if let Some(spelling) = found {
            assert_eq!(spelling.len(), text.len());
        }
        found.map_or(HeaderName::Other, Spelling::name)
    }

    /// The name as a search through all spellings finds it.
    fn search(text: &[u8]) -> HeaderName {
        let mut spellings = HeaderName::SPELLINGS.iter();
        let found = spellings.find(|(spelling, _)| spelling.eq_ignore_ascii_case(text));
        found.map_or(HeaderName::Other, |(_, name)| *name)
    }

    proptest! {
        #[test]
        fn names_are_those_that_a_search_through_all_finds(
            number in 0..HeaderName::SPELLINGS.len(),
            bits: u32,
            changed in proptest::option::of((0_usize..32, any::<u8>())),
        ) {
            let mut text = HeaderName::SPELLINGS[number].0.to_vec();
            for (place, byte) in text.iter_mut().enumerate() {
                if bits >> place & 1 != 0 {
                    *byte ^= if byte.is_ascii_alphabetic() { CASE } else { 0 };
                }
            }
            if let Some((place, byte)) = changed {
                let place = place % text.len();
                text[place] = byte;
            }
            prop_assert_eq!(HeaderName::parse(&text), search(&text));
            let line = [&text[..], b":0123456789abcdef"].concat();
            for line in [&line[..], &line[..=text.len()]] {
                prop_assert_eq!(HeaderName::parse_start(line, text.len()), search(&text));
            }
            if text.len() <= Spelling::LENGTH_MAX {
                prop_assert_eq!(ahead(&text), search(&text));
            }
        }
    }

    #[test]
    fn a_value_starts_with_no_space_and_no_control() {
        for byte in 0..=u8::MAX {
            for (text, name) in HeaderName::SPELLINGS {
                let line = [text, &b": "[..], &[byte], b"0123456789abcdef"].concat();
                let found = Spelling::ahead(line.first_chunk().unwrap()).map(Spelling::name);
                let is_found = byte > b' ' && text.len() <= Spelling::LENGTH_MAX;
                assert_eq!(found, is_found.then_some(*name), "{text:?} {byte:#x}");
            }
        }
    }

    #[test]
    fn the_first_octet_is_known_from_the_place_and_the_second_one() {
        for (text, _) in HeaderName::SPELLINGS {
            for first in 0..=u8::MAX {
                let text = [&[first], &text[1..]].concat();
                let is_short = text.len() <= Spelling::LENGTH_MAX;
                let expected = if is_short { search(&text) } else { HeaderName::Other };
                assert_eq!(ahead(&text), expected, "{text:?}");
                assert_eq!(HeaderName::parse_start(&line(&text), text.len()), search(&text));
            }
        }
    }

    #[test]
    fn no_octet_that_is_no_letter_is_taken_for_another() {
        assert_eq!(ahead(b"Call\rID"), HeaderName::Other);
        assert_eq!(HeaderName::parse(b"Call\rID"), HeaderName::Other);
    }

    #[test]
    fn every_name_is_found_by_its_spelling() {
        for (text, name) in HeaderName::SPELLINGS {
            assert_eq!(HeaderName::parse(text), *name, "{text:?}");
            let is_short = text.len() <= Spelling::LENGTH_MAX;
            assert_eq!(ahead(text), if is_short { *name } else { HeaderName::Other }, "{text:?}");
            assert_eq!(HeaderName::parse(&text.to_ascii_uppercase()), *name, "{text:?}");
            let longer = [text, &b"q"[..]].concat();
            assert_eq!(HeaderName::parse(&longer), HeaderName::Other, "{text:?}");
            let mut other = text.to_vec();
            other[text.len() / 2] = b'!';
            assert_eq!(HeaderName::parse(&other), HeaderName::Other, "{text:?}");
        }
    }

    #[test]
    fn names_are_found_in_any_case_and_in_compact_form() {
        for (text, name) in [
            ("Via", HeaderName::Via),
            ("vIA", HeaderName::Via),
            ("v", HeaderName::Via),
            ("V", HeaderName::Via),
            ("CALL-ID", HeaderName::CallId),
            ("i", HeaderName::CallId),
            ("l", HeaderName::ContentLength),
            ("m", HeaderName::Contact),
            ("X-Any", HeaderName::Other),
            ("q", HeaderName::Other),
            ("", HeaderName::Other),
        ] {
            assert_eq!(HeaderName::parse(text.as_bytes()), name, "{text}");
        }
    }
}
