//! The torture messages of RFC 4475 §3: what each is about, said in our own words and bytes, and
//! what a proxy has to make of it.

use viaduct::sip::ParseError;

/// One message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Torture {
    /// The name that RFC 4475 gives it.
    pub(crate) name: &'static str,
    /// The section of RFC 4475.
    pub(crate) section: &'static str,
    /// The datagram.
    pub(crate) text: &'static [u8],
    /// What becomes of it.
    pub(crate) expectation: Expectation,
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expectation {
    /// A proxy works on it like on any other.
    Valid,
    /// A request that does not parse or validate; answered with the status of the fault.
    Rejected(ParseError),
    /// A well-formed request that a proxy answers with this status.
    RejectedByProxy(u16),
    /// A well-formed request that a proxy forwards, but a registrar answers with this status.
    RejectedByRegistrar(u16),
    /// A response that goes nowhere, with its fault if it has one.
    Dropped(Option<ParseError>),
}

impl Expectation {
    /// What parsing and validating say.
    pub(crate) const fn syntax(self) -> Result<(), ParseError> {
        match self {
            Self::Rejected(fault) | Self::Dropped(Some(fault)) => Err(fault),
            _ => Ok(()),
        }
    }

    /// The status that a server which is proxy and registrar answers of its own accord.
    pub(crate) const fn status(self) -> Option<u16> {
        match self {
            Self::Rejected(fault) => Some(fault.status().0),
            Self::RejectedByProxy(status) | Self::RejectedByRegistrar(status) => Some(status),
            Self::Valid | Self::Dropped(_) => None,
        }
    }
}

/// All 49, in the order of the RFC.
pub(crate) fn all() -> impl Iterator<Item = &'static Torture> {
    valid::MESSAGES.iter().chain(invalid::MESSAGES).chain(semantic::MESSAGES)
}

/// The message of that name.
pub(crate) fn named(name: &str) -> Option<&'static Torture> {
    all().find(|message| message.name == name)
}

/// Lines, each ended by CRLF.
macro_rules! lines {
    ($($line:expr),* $(,)?) => { concat!($($line, "\r\n"),*).as_bytes() };
}

/// A session description of 91 bytes, the line break behind it counted.
macro_rules! sdp {
    () => {
        concat!(
            "v=0\r\no=ann 53 7 IN IP4 192.0.2.7\r\ns=-\r\n",
            "c=IN IP4 192.0.2.7\r\nt=0 0\r\nm=audio 49170 RTP/AVP 0"
        )
    };
}

mod invalid;
mod semantic;
mod valid;
