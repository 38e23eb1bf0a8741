//! What can be wrong with a message, and which status says so.

use thiserror::Error;

/// Why bytes are not the SIP message, or the part of one, that they should be. The peer's fault.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ParseError {
    /// The first line is neither a request line nor a status line (RFC 3261 §7.1, §7.2).
    #[error("the start line is malformed")]
    StartLine,
    /// The version is not SIP/2.0 (RFC 3261 §21.5.6).
    #[error("the SIP version is not 2.0")]
    Version,
    /// A header line has no name or no colon (RFC 3261 §7.3).
    #[error("a header line is malformed")]
    HeaderLine,
    /// More header fields than anybody needs.
    #[error("too many header fields")]
    TooManyHeaders,
    /// The blank line after the header fields is missing.
    #[error("the header fields do not end")]
    Unterminated,
    /// Via, From, To, Call-ID or CSeq is missing (RFC 3261 §8.1.1).
    #[error("a mandatory header field is missing")]
    MissingHeader,
    /// A header field that may appear once appears again (RFC 3261 §7.3.1).
    #[error("a header field appears twice that may appear once")]
    DuplicateHeader,
    /// Content-Length is not a number or exceeds the datagram (RFC 3261 §18.3).
    #[error("the Content-Length does not fit the message")]
    ContentLength,
    /// A Via value is malformed (RFC 3261 §20.42).
    #[error("a Via is malformed")]
    Via,
    /// A URI is malformed (RFC 3261 §19.1).
    #[error("a URI is malformed")]
    Uri,
    /// A From, To, Contact, Route or Record-Route value is malformed (RFC 3261 §20.10).
    #[error("an address is malformed")]
    Address,
    /// CSeq is malformed or out of range (RFC 3261 §20.16).
    #[error("the CSeq is malformed")]
    CSeq,
    /// The method in CSeq is not the one of the request (RFC 3261 §8.1.1.5).
    #[error("the CSeq method is not the method of the request")]
    CSeqMethod,
    /// A number (Max-Forwards, Expires, a port …) is malformed or out of range.
    #[error("a number is malformed")]
    Number,
}

impl ParseError {
    /// The status that answers a request with this fault.
    #[must_use]
    pub const fn status(self) -> (u16, &'static str) {
        match self {
            Self::StartLine => (400, "Bad Request (malformed start line)"),
            Self::Version => (505, "Version Not Supported"),
            Self::HeaderLine => (400, "Bad Request (malformed header line)"),
            Self::TooManyHeaders => (400, "Bad Request (too many header fields)"),
            Self::Unterminated => (400, "Bad Request (header fields do not end)"),
            Self::MissingHeader => (400, "Bad Request (missing header field)"),
            Self::DuplicateHeader => (400, "Bad Request (repeated header field)"),
            Self::ContentLength => (400, "Bad Request (bad Content-Length)"),
            Self::Via => (400, "Bad Request (malformed Via)"),
            Self::Uri => (400, "Bad Request (malformed URI)"),
            Self::Address => (400, "Bad Request (malformed address)"),
            Self::CSeq => (400, "Bad Request (malformed CSeq)"),
            Self::CSeqMethod => (400, "Bad Request (CSeq method mismatch)"),
            Self::Number => (400, "Bad Request (malformed number)"),
        }
    }
}
