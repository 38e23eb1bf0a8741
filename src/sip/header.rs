//! Header field names.

use super::scan::Block;

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
        let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return Self::Other };
        let number = PLACES[place(*first, *last, bytes.len(), SEED)];
        match Self::SPELLINGS.get(usize::from(number)) {
            Some((spelling, name)) if spelling.eq_ignore_ascii_case(bytes) => *name,
            _ => Self::Other,
        }
    }

    /// As [`Self::parse`], for the first `length` octets of `ahead`; none that is longer.
    #[inline]
    pub(super) fn identify(ahead: &[u8; Block::LENGTH], length: usize) -> Self {
        let (Some(first), Some(last)) = (ahead.first(), ahead.get(length.wrapping_sub(1))) else {
            return Self::Other;
        };
        let number = PLACES[place(*first, *last, length, SEED)];
        let Some(entry) = ENTRIES.get(usize::from(number)) else { return Self::Other };
        let same = Block::new(*ahead).is_but_for(Block::new(entry.cases), Block::new(entry.text));
        let is_it = entry.length == length && same.bits().trailing_ones() as usize >= length;
        if is_it { entry.name } else { Self::Other }
    }
}

/// A spelling of a name.
#[derive(Clone, Copy)]
struct Entry {
    /// Its first octets, in lower case.
    text: [u8; Block::LENGTH],
    /// For each letter of them the bit that tells its cases apart.
    cases: [u8; Block::LENGTH],
    length: usize,
    name: HeaderName,
}

impl Entry {
    /// The entry of a spelling.
    const fn new(spelling: &[u8], name: HeaderName) -> Self {
        let mut entry = Self {
            text: [0; Block::LENGTH],
            cases: [0; Block::LENGTH],
            length: spelling.len(),
            name,
        };
        let mut at = 0;
        while at < spelling.len() && at < Block::LENGTH {
            entry.text[at] = spelling[at].to_ascii_lowercase();
            entry.cases[at] = if spelling[at].is_ascii_alphabetic() { CASE } else { 0 };
            at += 1;
        }
        entry
    }
}

/// The bit that tells the cases of a letter apart.
const CASE: u8 = 0x20;

/// All spellings.
static ENTRIES: [Entry; HeaderName::SPELLINGS.len()] = {
    let mut entries = [Entry::new(b"", HeaderName::Other); HeaderName::SPELLINGS.len()];
    let mut at = 0;
    while at < entries.len() {
        let (text, name) = HeaderName::SPELLINGS[at];
        entries[at] = Entry::new(text, name);
        at += 1;
    }
    entries
};

/// Binary logarithm of the length of [`PLACES`].
const PLACE_BITS: u32 = 9;

/// In [`PLACES`]: no spelling.
const FREE: u8 = u8::MAX;

/// For each value of [`place`] the number of the one spelling that has it: the multiplier was
/// chosen so, which the compiler checks. To find a name is to look at one place.
static PLACES: [u8; 1 << PLACE_BITS] = match places(SEED) {
    Some(places) => places,
    None => panic!("this multiplier does not keep the spellings apart"),
};

/// A multiplier for which no two spellings have the same place, found by trying odd random
/// numbers; with a name more it may take another one.
const SEED: u32 = 0x269e_0d37;

/// The table for a multiplier, if it keeps the spellings apart.
const fn places(seed: u32) -> Option<[u8; 1 << PLACE_BITS]> {
    let mut places = [FREE; 1 << PLACE_BITS];
    let mut at = 0;
    while at < HeaderName::SPELLINGS.len() {
        let text = HeaderName::SPELLINGS[at].0;
        let place = place(text[0], text[text.len() - 1], text.len(), seed);
        if places[place] != FREE {
            return None;
        }
        places[place] = at as u8;
        at += 1;
    }
    Some(places)
}

/// The place of a spelling in a table, made of its first octet, its last one and its length.
#[inline]
const fn place(first: u8, last: u8, length: usize, seed: u32) -> usize {
    let ends = ((first | CASE) as u32) << 8 | (last | CASE) as u32;
    ((ends + ((length as u32) << 16)).wrapping_mul(seed) >> (32 - PLACE_BITS)) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The name as [`HeaderName::identify`] finds it.
    fn identify(text: &[u8]) -> HeaderName {
        let mut ahead = [b':'; Block::LENGTH];
        ahead[..text.len()].copy_from_slice(text);
        HeaderName::identify(&ahead, text.len())
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
            if text.len() <= Block::LENGTH {
                prop_assert_eq!(identify(&text), search(&text));
            }
        }
    }

    #[test]
    fn no_octet_that_is_no_letter_is_taken_for_another() {
        assert_eq!(identify(b"Call\rID"), HeaderName::Other);
        assert_eq!(HeaderName::parse(b"Call\rID"), HeaderName::Other);
    }

    #[test]
    fn every_name_is_found_by_its_spelling() {
        for (text, name) in HeaderName::SPELLINGS {
            assert_eq!(HeaderName::parse(text), *name, "{text:?}");
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
