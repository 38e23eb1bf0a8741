//! Status codes (RFC 3261 §21).

/// The usual reason phrase of a status code; that of its class if it has none.
#[must_use]
pub const fn reason_phrase(code: u16) -> &'static str {
    match code {
        100 => "Trying",
        180 => "Ringing",
        200 => "OK",
        _ => "Unknown",
    }
}
