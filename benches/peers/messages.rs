//! The messages of the bench's own load: made once, numbered anew for each sending.

use std::net::SocketAddr;

/// Digits of a number in a message.
const DIGITS: usize = 9;
/// Where the number of the message goes.
const SEQUENCE: &[u8; DIGITS] = b"SSSSSSSSS";
/// Where the number of the user goes.
const USER: &[u8; DIGITS] = b"UUUUUUUUU";
/// The first number of a message: all have as many digits.
pub(crate) const FIRST_SEQUENCE: u64 = 100_000_000;

/// An SDP body of an ordinary phone.
const SDP: &str = "v=0\r\no=alice 2890844526 2890844526 IN IP4 127.0.0.1\r\ns=-\r\n\
    c=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 49170 RTP/AVP 0 8 97\r\na=rtpmap:0 PCMU/8000\r\n\
    a=rtpmap:8 PCMA/8000\r\na=rtpmap:97 iLBC/8000\r\na=ptime:20\r\na=sendrecv\r\n";

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An INVITE that the script sends to the callee.
    Invite,
    /// One method after the other, none as long as its neighbours.
    Mixed,
    /// An INVITE to one of so many users.
    Lookup(u64),
    /// The first REGISTER of each of so many users, one after another.
    Fill(u64),
    /// A later REGISTER of one of so many users.
    Refresh(u64),
    /// A REGISTER of a user who is new each time.
    New,
}

impl Kind {
    /// What every message begins with that arrives because this was sent.
    pub(crate) const fn outcome(self) -> &'static [u8] {
        match self {
            Self::Invite | Self::Lookup(_) => b"INVITE ",
            Self::Mixed => b"",
            Self::Fill(_) | Self::Refresh(_) | Self::New => b"SIP/2.0 200 ",
        }
    }

    /// Whose message this is.
    const fn user(self, index: u64, sequence: u64) -> u64 {
        match self {
            Self::Invite | Self::Mixed | Self::New => sequence,
            Self::Fill(users) => index % users,
            // Scattered, so that the caches do not know who is next; and each of them once before
            // anybody is again, so that nobody overtakes himself: a prime makes a permutation.
            Self::Lookup(users) | Self::Refresh(users) => sequence * 2_654_435_761 % users,
        }
    }
}

/// Messages of one kind from one source, to be numbered.
pub(crate) struct Draft {
    kind: Kind,
    /// Sent in turn.
    texts: Vec<Text>,
}

/// A message with places for numbers.
struct Text {
    bytes: Vec<u8>,
    sequences: Vec<usize>,
    users: Vec<usize>,
}

impl Draft {
    /// What `source` sends to `target`; who registers is to be found at `contact`.
    pub(crate) fn new(
        kind: Kind,
        source: SocketAddr,
        target: SocketAddr,
        contact: SocketAddr,
    ) -> Self {
        let texts = match kind {
            Kind::Invite | Kind::Lookup(_) => vec![invite(source, target)],
            Kind::Mixed => ["INVITE", "OPTIONS", "MESSAGE", "INFO", "SUBSCRIBE", "UPDATE", "BYE"]
                .map(|method| invite(source, target).replace("INVITE", method))
                .into(),
            Kind::Fill(_) | Kind::Refresh(_) | Kind::New => {
                vec![register(source, target, contact)]
            }
        };
        Self { kind, texts: texts.into_iter().map(Text::new).collect() }
    }

    /// The length of the longest (bytes).
    pub(crate) fn longest(&self) -> usize {
        self.texts.iter().map(|text| text.bytes.len()).max().unwrap_or(0)
    }

    /// Writes the message of that index within a phase that began with the number `first`; its
    /// length.
    pub(crate) fn write(&self, index: u64, first: u64, out: &mut [u8]) -> usize {
        let text = &self.texts[usize::try_from(index).unwrap() % self.texts.len()];
        out[..text.bytes.len()].copy_from_slice(&text.bytes);
        let sequence = first + index;
        let digits = decimal(sequence);
        for place in &text.sequences {
            out[*place..*place + DIGITS].copy_from_slice(&digits);
        }
        let digits = decimal(self.kind.user(index, sequence));
        for place in &text.users {
            out[*place..*place + DIGITS].copy_from_slice(&digits);
        }
        text.bytes.len()
    }
}

impl Text {
    /// Finds the places.
    fn new(text: String) -> Self {
        let bytes = text.into_bytes();
        let places = |of: &[u8]| memchr::memmem::find_iter(&bytes, of).collect();
        let (sequences, users) = (places(SEQUENCE), places(USER));
        Self { bytes, sequences, users }
    }
}

/// The number that a message was given, from its CSeq.
pub(crate) fn sequence(message: &[u8]) -> Option<u64> {
    let at = memchr::memmem::find(message, b"\nCSeq: ")? + 7;
    let digits = message.get(at..at + DIGITS)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// A number in as many digits as there is room for.
const fn decimal(mut number: u64) -> [u8; DIGITS] {
    let mut digits = [b'0'; DIGITS];
    let mut place = DIGITS;
    while place > 0 {
        place -= 1;
        digits[place] += (number % 10) as u8;
        number /= 10;
    }
    digits
}

/// An INVITE of about 800 bytes.
fn invite(source: SocketAddr, target: SocketAddr) -> String {
    format!(
        "INVITE sip:UUUUUUUUU@{target} SIP/2.0\r\n\
         Via: SIP/2.0/UDP {source};branch=z9hG4bK776asdhds8-SSSSSSSSS;rport\r\n\
         Max-Forwards: 70\r\n\
         To: \"Bob\" <sip:UUUUUUUUU@{target}>\r\n\
         From: \"Alice\" <sip:alice@127.0.0.1>;tag=1928301774\r\n\
         Call-ID: a84b4c76e667-SSSSSSSSS@127.0.0.1\r\n\
         CSeq: SSSSSSSSS INVITE\r\n\
         Contact: <sip:alice@{source};transport=udp>\r\n\
         Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, INFO\r\n\
         User-Agent: Field Phone 4.2\r\n\
         Supported: replaces, timer\r\n\
         Content-Type: application/sdp\r\n\
         Content-Length: {}\r\n\r\n{SDP}",
        SDP.len()
    )
}

/// A REGISTER; the same Call-ID for the same user each time.
fn register(source: SocketAddr, target: SocketAddr, contact: SocketAddr) -> String {
    format!(
        "REGISTER sip:{target} SIP/2.0\r\n\
         Via: SIP/2.0/UDP {source};branch=z9hG4bKnashds7-SSSSSSSSS;rport\r\n\
         Max-Forwards: 70\r\n\
         To: <sip:UUUUUUUUU@{target}>\r\n\
         From: <sip:UUUUUUUUU@{target}>;tag=456248\r\n\
         Call-ID: 843817637684230-UUUUUUUUU@127.0.0.1\r\n\
         CSeq: SSSSSSSSS REGISTER\r\n\
         Contact: <sip:UUUUUUUUU@{contact}>\r\n\
         Expires: 3600\r\n\
         User-Agent: Field Phone 4.2\r\n\
         Content-Length: 0\r\n\r\n"
    )
}
