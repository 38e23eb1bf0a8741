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
            #[inline]
            #[must_use]
            pub fn parse(bytes: &[u8]) -> Self {
                if let [letter] = bytes {
                    return match letter.to_ascii_lowercase() {
                        $($($compact => Self::$variant,)?)*
                        _ => Self::Other,
                    };
                }
                let name = NAMES[hash(bytes, SEED)];
                if is_same_token(bytes, name.canonical().as_bytes()) {
                    name
                } else {
                    Self::Other
                }
            }

            /// All but `Other`.
            const ALL: [Self; Self::COUNT - 1] = [$(Self::$variant,)*];
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

/// The names at the places that [`hash`] gives them, each at one of its own: the multiplier was
/// chosen so, by the compiler. To find a name is to look at one place.
const NAMES: [HeaderName; 256] = match names(SEED) {
    Some(names) => names,
    None => panic!("no multiplier keeps the names apart"),
};

/// The first odd multiplier for which no two names have the same hash.
const SEED: u32 = {
    let mut seed = 0x9e37_79b1;
    while names(seed).is_none() {
        seed += 2;
    }
    seed
};

/// The table for a multiplier, if it keeps the names apart.
const fn names(seed: u32) -> Option<[HeaderName; 256]> {
    let mut names = [HeaderName::Other; 256];
    let mut at = 0;
    while at < HeaderName::ALL.len() {
        let name = HeaderName::ALL[at];
        let slot = hash(name.canonical().as_bytes(), seed);
        if !matches!(names[slot], HeaderName::Other) {
            return None;
        }
        names[slot] = name;
        at += 1;
    }
    Some(names)
}

/// Whether two tokens are the same but for the case of letters. They are compared in two pieces
/// that may overlap. The bit that is set in all octets tells apart no two octets of a token but
/// the cases of a letter.
#[inline]
fn is_same_token(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    if let (Some(a), Some(b)) = (one.first_chunk(), other.first_chunk())
        && let (Some(c), Some(d)) = (one.last_chunk(), other.last_chunk())
    {
        const CASES: u64 = 0x2020_2020_2020_2020;
        let differ =
            |x: &[u8; 8], y: &[u8; 8]| (u64::from_le_bytes(*x) ^ u64::from_le_bytes(*y)) & !CASES;
        let middle = one.len() > 16 && !one.eq_ignore_ascii_case(other);
        return differ(a, b) | differ(c, d) == 0 && !middle;
    }
    if let (Some(a), Some(b)) = (one.first_chunk(), other.first_chunk())
        && let (Some(c), Some(d)) = (one.last_chunk(), other.last_chunk())
    {
        const CASES: u32 = 0x2020_2020;
        let differ =
            |x: &[u8; 4], y: &[u8; 4]| (u32::from_le_bytes(*x) ^ u32::from_le_bytes(*y)) & !CASES;
        return differ(a, b) | differ(c, d) == 0;
    }
    one.eq_ignore_ascii_case(other)
}

/// The place of a name in a table of 256, in any case: made of its length and three octets.
#[inline]
const fn hash(name: &[u8], seed: u32) -> usize {
    let &[first, .., last] = name else { return 0 };
    let middle = name[name.len() / 2];
    // Setting this bit folds the case of letters; what else it makes equal, the comparison with
    // the name itself tells apart.
    let key = u32::from_le_bytes([first | 0x20, middle | 0x20, last | 0x20, name.len() as u8]);
    (key.wrapping_mul(seed) >> 24) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_by_its_spelling() {
        for name in HeaderName::ALL {
            let text = name.canonical();
            assert_eq!(HeaderName::parse(text.as_bytes()), name, "{text}");
            assert_eq!(HeaderName::parse(text.to_ascii_uppercase().as_bytes()), name, "{text}");
            assert_eq!(HeaderName::parse(format!("{text}s").as_bytes()), HeaderName::Other);
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
