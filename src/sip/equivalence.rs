//! When two URIs are the same (RFC 3261 §19.1.4; tel: RFC 3966 §4).

use super::escape::{same, same_in_any_case};
use super::host::host_ip;
use super::uri::is_visual_separator;
use super::{Param, Params, Scheme, Uri};
use crate::limits::URI_PART_COUNT_MAX;

impl Uri<'_> {
    /// Whether both are equivalent by RFC 3261 §19.1.4; not transitive. URIs with more parts than
    /// [`URI_PART_COUNT_MAX`] are equivalent only if they are the same text.
    #[must_use]
    pub fn eq_rfc3261(&self, other: &Uri<'_>) -> bool {
        if self.text == other.text {
            return true;
        }
        if self.scheme != other.scheme {
            return false;
        }
        match self.scheme {
            Scheme::Sip | Scheme::Sips => sip_equals(self, other),
            Scheme::Tel => tel_equals(self, other),
            Scheme::Other => other_equals(self.text, other.text),
        }
    }
}

/// Compares two URIs that are both `sip:` or both `sips:`.
fn sip_equals(a: &Uri<'_>, b: &Uri<'_>) -> bool {
    a.port == b.port
        && both(a.user, b.user, same)
        && both(a.password, b.password, same)
        && host_equals(a.host, b.host)
        && is_comparable(&a.params, &b.params)
        && params_agree(&a.params, &b.params)
        && params_agree(&b.params, &a.params)
        && headers_equal(a.headers.unwrap_or_default(), b.headers.unwrap_or_default())
}

/// Compares two hosts. IPv6 addresses are compared as numbers (RFC 5954 §4.2).
fn host_equals(a: &[u8], b: &[u8]) -> bool {
    a.eq_ignore_ascii_case(b)
        || (a.starts_with(b"[") && b.starts_with(b"[") && host_ip(a) == host_ip(b))
}

/// Whether each parameter of `a` either has the same value in `b` or is one that may be missing
/// there.
fn params_agree(a: &Params<'_>, b: &Params<'_>) -> bool {
    let may_be_missing =
        |name: &[u8]| !MATCHED_ALWAYS.iter().any(|always| same_in_any_case(always, name));
    a.iter().all(|param| {
        let mut namesakes = namesakes(b, param).peekable();
        match namesakes.peek() {
            Some(_) => namesakes.any(|other| both(param.value, other.value, same_in_any_case)),
            None => may_be_missing(param.name),
        }
    })
}

/// The parameters that never match if only one of the URIs has them, be it with the default
/// value. The text names `user`, `ttl`, `method` and `maddr`; `transport` is among its examples.
const MATCHED_ALWAYS: [&[u8]; 5] = [b"transport", b"user", b"ttl", b"method", b"maddr"];

/// The parameters that have the name of `param`; one at most, if they are by the grammar.
fn namesakes<'d>(params: &Params<'d>, param: Param<'_>) -> impl Iterator<Item = Param<'d>> {
    params.iter().filter(move |other| same_in_any_case(other.name, param.name))
}

/// Whether both have so few parameters that they may be compared each with each.
fn is_comparable(a: &Params<'_>, b: &Params<'_>) -> bool {
    a.iter().nth(URI_PART_COUNT_MAX).is_none() && b.iter().nth(URI_PART_COUNT_MAX).is_none()
}

/// Whether the headers `a` and `b` are the same ones in whatever order. Their values are
/// compared in any case (RFC 3261 §7.3.1).
fn headers_equal(a: &[u8], b: &[u8]) -> bool {
    if a == b {
        return true;
    }
    let split = |text| <[u8]>::split(text, |byte| *byte == b'&');
    let count_in = |text, header| split(text).filter(|h| same_in_any_case(h, header)).count();
    let count = split(a).count();
    count == split(b).count()
        && count <= URI_PART_COUNT_MAX
        && split(a).all(|header| count_in(a, header) == count_in(b, header))
}

/// Compares two `tel:` URIs: every parameter must be in both.
fn tel_equals(a: &Uri<'_>, b: &Uri<'_>) -> bool {
    let all_in = |a: &Params<'_>, b: &Params<'_>| {
        a.iter().all(|param| namesakes(b, param).any(|other| tel_param_equals(param, other)))
    };
    both(a.user, b.user, digits_equal)
        && is_comparable(&a.params, &b.params)
        && all_in(&a.params, &b.params)
        && all_in(&b.params, &a.params)
}

/// Compares two parameters of the same name.
fn tel_param_equals(a: Param<'_>, b: Param<'_>) -> bool {
    let is_global = a.value.is_some_and(|value| value.starts_with(b"+"));
    let is_number = a.name.eq_ignore_ascii_case(b"ext")
        || (a.name.eq_ignore_ascii_case(b"phone-context") && is_global);
    both(a.value, b.value, if is_number { digits_equal } else { same_in_any_case })
}

/// Compares two numbers without their visual separators.
fn digits_equal(a: &[u8], b: &[u8]) -> bool {
    let digits = |text| {
        <[u8]>::iter(text).filter(|byte| !is_visual_separator(**byte)).map(u8::to_ascii_lowercase)
    };
    digits(a).eq(digits(b))
}

/// Compares two URIs of the same unknown scheme, of which only the scheme may differ in case.
fn other_equals(a: &[u8], b: &[u8]) -> bool {
    let split = |text| <[u8]>::split_at(text, memchr::memchr(b':', text).unwrap_or(0));
    let ((scheme_a, rest_a), (scheme_b, rest_b)) = (split(a), split(b));
    scheme_a.eq_ignore_ascii_case(scheme_b) && rest_a == rest_b
}

/// Whether both are absent, or both present and `equals` says so.
fn both(a: Option<&[u8]>, b: Option<&[u8]>, equals: fn(&[u8], &[u8]) -> bool) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => equals(a, b),
        (None, None) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn equal(a: &str, b: &str) -> bool {
        let (a, b) = (Uri::parse(a.as_bytes()).unwrap(), Uri::parse(b.as_bytes()).unwrap());
        assert_eq!(a.eq_rfc3261(&b), b.eq_rfc3261(&a), "equivalence is symmetric");
        a.eq_rfc3261(&b)
    }

    #[test]
    fn uris_of_the_equivalent_examples_are_equal() {
        for (a, b) in [
            ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtlanTa.CoM;Transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
            ("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on"),
            (
                "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
                "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
            ),
            (
                "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
                "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
            ),
        ] {
            assert!(equal(a, b), "{a} {b}");
        }
    }

    #[test]
    fn uris_of_the_different_examples_are_not_equal() {
        for (a, b) in [
            ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
            ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
            ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
        ] {
            assert!(!equal(a, b), "{a} {b}");
        }
    }

    #[test]
    fn each_component_counts() {
        for (a, b) in [
            ("sip:a@b", "sips:a@b"),
            ("sip:a@b", "sip:b"),
            ("sip:a:x@b", "sip:a@b"),
            ("sip:a:x@b", "sip:a:X@b"),
            ("sip:a@b;user=phone", "sip:a@b"),
            ("sip:a@b", "sip:a@b;ttl=1"),
            ("sip:a@b;maddr=c", "sip:a@b"),
            ("sip:a@b;method=INVITE", "sip:a@b"),
            ("sip:a@b;lr", "sip:a@b;lr=on"),
            ("sip:a@b?x=1&x=1&x=2", "sip:a@b?x=1&x=2&x=2"),
            ("sip:a%3Bb@c", "sip:a;b@c"),
            ("sip:a@[2001:db8::1]", "sip:a@[2001:db8::2]"),
            ("http://a", "http://A"),
        ] {
            assert!(!equal(a, b), "{a} {b}");
        }
        for (a, b) in [
            ("sip:a@b:5060", "sip:a@b:05060"),
            ("sip:a@[2001:db8::1]", "sip:a@[2001:DB8:0::1]"),
            ("sip:a@b;%6Cr=ON;y", "sip:a@b;x;LR=on"),
            ("sip:a@b?X=1&y=2", "sip:a@b?y=2&x=1"),
            ("http://a", "HTTP://a"),
        ] {
            assert!(equal(a, b), "{a} {b}");
        }
    }

    #[test]
    fn numbers_are_compared_without_visual_separators() {
        for (a, b, expected) in [
            ("tel:+1-201-555-0123", "tel:+1(201)555.0123", true),
            ("tel:+12015550123", "tel:12015550123", false),
            ("tel:+12015550123;ext=1-2", "tel:+12015550123;EXT=12", true),
            ("tel:+12015550123;ext=12", "tel:+12015550123", false),
            ("tel:7042;phone-context=example.com", "tel:70-42;phone-context=EXAMPLE.com", true),
            ("tel:7042;phone-context=+1-914", "tel:7042;phone-context=+1914", true),
            ("tel:7042;phone-context=+1914;a=b", "tel:7042;a=b;phone-context=+1914", true),
            ("tel:7042;phone-context=a-b", "tel:7042;phone-context=ab", false),
        ] {
            assert_eq!(equal(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn uris_with_very_many_parts_equal_only_themselves() {
        let many: String = (0..=URI_PART_COUNT_MAX).map(|part| format!(";p{part}")).collect();
        let (lower, upper) = (format!("sip:a@b{many}"), format!("sip:a@B{many}"));
        assert!(equal(&lower, &lower));
        assert!(!equal(&lower, &upper));
    }
}
