//! Any bytes as two URIs: taken apart and put together, compared, and made keys of users.
#![no_main]

use bumpalo::Bump;
use libfuzzer_sys::fuzz_target;
use viaduct::limits::AOR_BYTES_MAX;
use viaduct::location::{AorRules, aor_key};
use viaduct::sip::{NameAddr, Scheme, Uri};

fuzz_target!(|bytes: &[u8]| {
    let (left, right) = match bytes.iter().position(|byte| *byte == b'\n') {
        Some(at) => (&bytes[..at], &bytes[at + 1..]),
        None => (bytes, bytes),
    };
    let Ok(left) = Uri::parse(left) else { return };
    whole(&left);
    let Ok(right) = Uri::parse(right) else { return };
    assert_eq!(left.eq_rfc3261(&right), right.eq_rfc3261(&left), "equality has no direction");
});

/// Checks what holds of one URI.
fn whole(uri: &Uri<'_>) {
    assert_eq!(together(uri), uri.text);
    assert!(uri.eq_rfc3261(uri));
    let _ = uri.default_port();
    let bracketed = [b"<", uri.text, b">"].concat();
    assert_eq!(NameAddr::parse(&bracketed).map(|address| address.uri), Ok(uri.text));
    let arena = Bump::new();
    for (use_domain, case_sensitive) in [(false, false), (true, false), (true, true)] {
        let rules = AorRules { use_domain, case_sensitive, realm_prefix: b"sip." };
        let key = aor_key(uri, rules, &arena);
        assert!(key.is_none_or(|key| !key.is_empty() && key.len() <= AOR_BYTES_MAX));
    }
}

/// The text of a URI, from its parts.
fn together(uri: &Uri<'_>) -> Vec<u8> {
    let colon = uri.text.iter().position(|byte| *byte == b':').map_or(0, |colon| colon + 1);
    let mut parts = vec![&uri.text[..colon]];
    match uri.scheme {
        Scheme::Other => return uri.text.to_vec(),
        Scheme::Tel => parts.push(uri.user.unwrap_or_default()),
        Scheme::Sip | Scheme::Sips => {
            if let Some(user) = uri.user {
                parts.push(user);
                parts.extend(uri.password.iter().flat_map(|password| [&b":"[..], password]));
                parts.push(b"@");
            }
            parts.push(uri.host);
            if !uri.port_text.is_empty() {
                parts.extend([&b":"[..], uri.port_text]);
            }
        }
    }
    parts.push(uri.params.text());
    parts.extend(uri.headers.iter().flat_map(|headers| [&b"?"[..], headers]));
    parts.concat()
}
