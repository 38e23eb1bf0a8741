//! Header field names.

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
    Contact "Contact" b'm',
    MaxForwards "Max-Forwards",
    Route "Route",
    RecordRoute "Record-Route",
    ContentLength "Content-Length" b'l',
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
        let found = Spelling::find(start, |spelling| spelling.text.eq_ignore_ascii_case(bytes));
        found.map_or(Self::Other, Spelling::name)
    }

    /// As [`Self::parse`], for the first `length` octets of a header line.
    #[inline]
    pub(super) fn parse_start(line: &[u8], length: usize) -> Self {
        let Some(ahead) = line.first_chunk().filter(|_| length <= Spelling::LENGTH_MAX) else {
            return Self::parse(line.get(..length).unwrap_or_default());
        };
        let block = Block::new(*ahead);
        let start = [ahead[0], if length > 1 { ahead[1] } else { b':' }];
        let found = Spelling::find(start, |spelling| {
            usize::from(spelling.length) == length && spelling.is_same(block).first(length)
        });
        found.map_or(Self::Other, Spelling::name)
    }
}

/// A spelling of a name.
#[derive(Clone, Copy)]
pub(super) struct Spelling {
    /// Its octets in lower case, the colon and the space behind it, then all bits set.
    ahead: [u8; Block::LENGTH],
    /// The bits of `ahead` that may differ: of a letter the one that tells its cases apart, of
    /// what stands behind the space all.
    ignored: [u8; Block::LENGTH],
    text: &'static [u8],
    length: u8,
    name: HeaderName,
    /// Position in [`Tables::spellings`] of the next one of the same place.
    next: u8,
}

impl Spelling {
    /// The spelling that the first octets of a header line are, with a colon and a space behind
    /// it. Finds none that is longer than those octets.
    #[inline]
    pub(super) fn ahead(ahead: &[u8; Self::AHEAD]) -> Option<&'static Self> {
        let block = Block::new(*ahead);
        // Read apart: taken out of the block it would cost twice the instructions.
        let start = ahead.first_chunk().copied().unwrap_or_default();
        Self::find(start, |spelling| spelling.is_same(block).are_all())
    }

    /// The spelling with these first two octets, the colon counted, that is the wanted one.
    #[inline]
    fn find(start: [u8; 2], is_wanted: impl Fn(&'static Self) -> bool) -> Option<&'static Self> {
        let mut number = TABLES.places[place(start)];
        loop {
            let spelling = &TABLES.spellings[usize::from(number) % SPELLINGS];
            if is_wanted(spelling) {
                return Some(spelling);
            }
            number = spelling.next;
            if number == NONE {
                return None;
            }
        }
    }

    /// Where the octets of `block` are those of this spelling and of what stands behind it.
    #[inline]
    fn is_same(&self, block: Block) -> Lanes {
        block.is_but_for(Block::new(self.ignored), Block::new(self.ahead))
    }

    /// How many octets [`Self::ahead`] looks at.
    pub(super) const AHEAD: usize = Block::LENGTH;

    /// How long those are that it finds: there is room for the colon and the space.
    pub(super) const LENGTH_MAX: usize = Self::AHEAD - 2;

    /// The name.
    #[inline]
    pub(super) const fn name(&self) -> HeaderName {
        self.name
    }

    /// How long it is.
    #[inline]
    pub(super) const fn len(&self) -> u8 {
        self.length
    }

    /// A spelling of `name`.
    const fn new(text: &'static [u8], name: HeaderName) -> Self {
        let mut spelling = Self {
            ahead: [u8::MAX; Block::LENGTH],
            ignored: [u8::MAX; Block::LENGTH],
            text,
            length: text.len() as u8,
            name,
            next: NONE,
        };
        if text.is_empty() || text.len() > Self::LENGTH_MAX {
            // No octet is the same as this but for those bits: none is found.
            spelling.ahead[0] = 0;
            return spelling;
        }
        let mut at = 0;
        while at < text.len() {
            spelling.ahead[at] = text[at].to_ascii_lowercase();
            spelling.ignored[at] = if text[at].is_ascii_alphabetic() { CASE } else { 0 };
            at += 1;
        }
        (spelling.ahead[at], spelling.ignored[at]) = (b':', 0);
        (spelling.ahead[at + 1], spelling.ignored[at + 1]) = (b' ', 0);
        spelling
    }
}

/// The bit that tells the cases of a letter apart.
const CASE: u8 = 0x20;

/// All spellings, and where to look for one.
struct Tables {
    /// Those of one place are chained in the order in which they are declared.
    spellings: [Spelling; SPELLINGS],
    /// For each value of [`place`] the first spelling that has it.
    places: [u8; 1 << u8::BITS],
}

/// Room for spellings: a power of two, so that no number is out of bounds.
const SPELLINGS: usize = 64;

/// In [`Tables::places`] and [`Spelling::next`]: no spelling. The one there is found by nothing.
const NONE: u8 = SPELLINGS as u8 - 1;

const _: () = assert!(HeaderName::SPELLINGS.len() <= NONE as usize, "the last is none");

/// All spellings, and where to look for one.
static TABLES: Tables = {
    let mut tables = Tables {
        spellings: [Spelling::new(b"", HeaderName::Other); SPELLINGS],
        places: [NONE; 1 << u8::BITS],
    };
    let mut at = HeaderName::SPELLINGS.len();
    while at > 0 {
        at -= 1;
        let (text, name) = HeaderName::SPELLINGS[at];
        let place = place([text[0], if text.len() > 1 { text[1] } else { b':' }]);
        tables.spellings[at] = Spelling::new(text, name);
        tables.spellings[at].next = tables.places[place];
        tables.places[place] = at as u8;
    }
    tables
};

/// The place of a spelling in a table, made of its first two octets, the colon counted. The
/// multiplier keeps different ones apart as well as 256 places can.
#[inline]
const fn place(start: [u8; 2]) -> usize {
    let start = u16::from_le_bytes(start) | u16::from_le_bytes([CASE; 2]);
    (start.wrapping_mul(0x0115) >> u8::BITS) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The name of a line that starts with `text` and a colon, as [`Spelling::ahead`] finds it.
    fn ahead(text: &[u8]) -> HeaderName {
        let line = [text, b": \xff\x0041234567890abcdef"].concat();
        let found = Spelling::ahead(line.first_chunk().unwrap());
        if let Some(spelling) = found {
            assert_eq!(usize::from(spelling.len()), text.len());
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
