//! Status codes (RFC 3261 §21 and the registry of its extensions).

/// The usual reason phrase of a status code; that of its class if it has none of its own
/// (RFC 3261 §8.1.3.2).
#[must_use]
pub const fn reason_phrase(code: u16) -> &'static str {
    match code {
        100..=199 => provisional(code),
        200..=299 => success(code),
        300..=399 => redirection(code),
        400..=499 => request_failure(code),
        500..=599 => server_failure(code),
        600..=699 => global_failure(code),
        _ => "Unknown",
    }
}

/// 1xx.
const fn provisional(code: u16) -> &'static str {
    match code {
        100 => "Trying",
        180 => "Ringing",
        181 => "Call Is Being Forwarded",
        182 => "Queued",
        199 => "Early Dialog Terminated",
        _ => "Session Progress",
    }
}

/// 2xx.
const fn success(code: u16) -> &'static str {
    match code {
        202 => "Accepted",
        204 => "No Notification",
        _ => "OK",
    }
}

/// 3xx.
const fn redirection(code: u16) -> &'static str {
    match code {
        301 => "Moved Permanently",
        302 => "Moved Temporarily",
        305 => "Use Proxy",
        380 => "Alternative Service",
        _ => "Multiple Choices",
    }
}

/// 4xx.
const fn request_failure(code: u16) -> &'static str {
    match code {
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        410 => "Gone",
        412 => "Conditional Request Failed",
        413 => "Request Entity Too Large",
        414 => "Request-URI Too Long",
        415 => "Unsupported Media Type",
        416 => "Unsupported URI Scheme",
        417 => "Unknown Resource-Priority",
        420 => "Bad Extension",
        421 => "Extension Required",
        422 => "Session Interval Too Small",
        423 => "Interval Too Brief",
        424 => "Bad Location Information",
        425 => "Bad Alert Message",
        428 => "Use Identity Header",
        429 => "Provide Referrer Identity",
        430 => "Flow Failed",
        433 => "Anonymity Disallowed",
        436 => "Bad Identity Info",
        437 => "Unsupported Credential",
        438 => "Invalid Identity Header",
        439 => "First Hop Lacks Outbound Support",
        440 => "Max-Breadth Exceeded",
        469 => "Bad Info Package",
        470 => "Consent Needed",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        482 => "Loop Detected",
        483 => "Too Many Hops",
        484 => "Address Incomplete",
        485 => "Ambiguous",
        486 => "Busy Here",
        487 => "Request Terminated",
        488 => "Not Acceptable Here",
        489 => "Bad Event",
        491 => "Request Pending",
        493 => "Undecipherable",
        494 => "Security Agreement Required",
        _ => "Bad Request",
    }
}

/// 5xx.
const fn server_failure(code: u16) -> &'static str {
    match code {
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Server Time-out",
        505 => "Version Not Supported",
        513 => "Message Too Large",
        555 => "Push Notification Service Not Supported",
        580 => "Precondition Failure",
        _ => "Server Internal Error",
    }
}

/// 6xx.
const fn global_failure(code: u16) -> &'static str {
    match code {
        603 => "Decline",
        604 => "Does Not Exist Anywhere",
        606 => "Not Acceptable",
        607 => "Unwanted",
        608 => "Rejected",
        _ => "Busy Everywhere",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_their_phrase_or_that_of_their_class() {
        for (code, phrase) in [
            (100, "Trying"),
            (183, "Session Progress"),
            (199, "Early Dialog Terminated"),
            (200, "OK"),
            (302, "Moved Temporarily"),
            (400, "Bad Request"),
            (404, "Not Found"),
            (483, "Too Many Hops"),
            (499, "Bad Request"),
            (500, "Server Internal Error"),
            (600, "Busy Everywhere"),
            (699, "Busy Everywhere"),
            (99, "Unknown"),
            (700, "Unknown"),
        ] {
            assert_eq!(reason_phrase(code), phrase, "{code}");
        }
    }
}
