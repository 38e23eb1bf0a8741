//! Header field names.

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

            /// The name that `bytes` spell, in any case, long or compact.
            #[must_use]
            pub fn parse(bytes: &[u8]) -> Self {
                let mut first = [0; 8];
                let length = bytes.len().min(8);
                first[..length].copy_from_slice(&bytes[..length]);
                Self::identify(bytes, &first)
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
    /// The name that `bytes` spell. `ahead` are the eight octets from the first of `bytes` on,
    /// whatever stands behind a shorter name.
    #[inline]
    pub(super) fn identify(bytes: &[u8], ahead: &[u8; 8]) -> Self {
        let word = folded(u64::from_le_bytes(*ahead), bytes.len());
        let Some(entry) = ENTRIES.get(usize::from(PLACES[place(word, bytes.len(), SEED)])) else {
            return Self::Other;
        };
        let is_it = entry.word == word
            && entry.length == bytes.len()
            && (bytes.len() <= 8 || is_same_end(bytes, entry.name.canonical().as_bytes()));
        if is_it { entry.name } else { Self::Other }
    }
}

/// Whether two long names are the same behind their first eight octets.
fn is_same_end(one: &[u8], other: &[u8]) -> bool {
    match (one.last_chunk(), other.last_chunk()) {
        (Some(a), Some(b)) if one.len() <= 16 => {
            folded(u64::from_le_bytes(*a), 8) == folded(u64::from_le_bytes(*b), 8)
        }
        _ => one.eq_ignore_ascii_case(other),
    }
}

/// The first `length` octets of a word, with the bit set that tells the cases of a letter apart,
/// and no other two octets of a token.
#[inline]
const fn folded(word: u64, length: usize) -> u64 {
    const CASES: u64 = 0x2020_2020_2020_2020;
    match length {
        0 => 0,
        1..8 => (word | CASES) & (u64::MAX >> (64 - 8 * length)),
        _ => word | CASES,
    }
}

/// A spelling of a name.
#[derive(Clone, Copy)]
struct Entry {
    /// Its first eight octets, as [`folded`] gives them.
    word: u64,
    length: usize,
    name: HeaderName,
}

/// All spellings.
static ENTRIES: [Entry; HeaderName::SPELLINGS.len()] = {
    let mut entries =
        [Entry { word: 0, length: 0, name: HeaderName::Other }; HeaderName::SPELLINGS.len()];
    let mut at = 0;
    while at < entries.len() {
        let (text, name) = HeaderName::SPELLINGS[at];
        entries[at] = Entry { word: first_word(text), length: text.len(), name };
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
const SEED: u64 = 0x05b6_e6e3_07d4_bedd;

/// The table for a multiplier, if it keeps the spellings apart.
const fn places(seed: u64) -> Option<[u8; 1 << PLACE_BITS]> {
    let mut places = [FREE; 1 << PLACE_BITS];
    let mut at = 0;
    while at < HeaderName::SPELLINGS.len() {
        let text = HeaderName::SPELLINGS[at].0;
        let place = place(first_word(text), text.len(), seed);
        if places[place] != FREE {
            return None;
        }
        places[place] = at as u8;
        at += 1;
    }
    Some(places)
}

/// The first eight octets of a spelling, as [`folded`] gives them.
const fn first_word(text: &[u8]) -> u64 {
    let mut word = [0; 8];
    let mut at = 0;
    while at < text.len() && at < 8 {
        word[at] = text[at];
        at += 1;
    }
    folded(u64::from_le_bytes(word), text.len())
}

/// The place of a spelling in a table, made of its first octets and its length.
#[inline]
const fn place(word: u64, length: usize, seed: u64) -> usize {
    (word.wrapping_add(length as u64).wrapping_mul(seed) >> (64 - PLACE_BITS)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

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
