//! The key of an address-of-record.

use bumpalo::Bump;
use bumpalo::collections::Vec as ArenaVec;

use crate::limits::AOR_BYTES_MAX;
use crate::sip::{Uri, is_canonical, unescaped};

/// How an address-of-record becomes a key.
#[derive(Clone, Copy, Debug, Default)]
pub struct AorRules<'a> {
    /// Whether the domain counts. Without it, users are told apart by their names alone.
    pub use_domain: bool,
    /// Whether the case of the user part counts (RFC 3261 §19.1.4); that of the domain never
    /// does.
    pub case_sensitive: bool,
    /// Taken off the front of the domain.
    pub realm_prefix: &'a [u8],
}

/// The key of the address-of-record `uri` (RFC 3261 §10.3 step 5): the user part without escapes
/// and, if it counts, `@` and the domain; of a URI without user the domain alone. Parameters do not
/// count. `None` if the key has more than [`AOR_BYTES_MAX`] bytes.
#[must_use]
pub fn aor_key<'m>(uri: &Uri<'m>, rules: AorRules<'_>, arena: &'m Bump) -> Option<&'m [u8]> {
    let user = uri.user.unwrap_or_default();
    if user.len() + uri.host.len() > 4 * AOR_BYTES_MAX {
        return None;
    }
    if !rules.use_domain && is_own_key(user) {
        return Some(user);
    }
    let mut key = ArenaVec::with_capacity_in(user.len() + 1 + uri.host.len(), arena);
    key.extend_from_slice_copy(&unescaped(user));
    if !rules.case_sensitive {
        key.make_ascii_lowercase();
    }
    if user.is_empty() || rules.use_domain && !uri.host.is_empty() {
        if !user.is_empty() {
            key.push(b'@');
        }
        let start = key.len();
        let prefix = uri.host.get(..rules.realm_prefix.len()).unwrap_or_default();
        let is_prefixed = prefix.eq_ignore_ascii_case(rules.realm_prefix);
        let skipped = if is_prefixed { prefix.len() } else { 0 };
        key.extend_from_slice_copy(&uri.host[skipped..]);
        key[start..].make_ascii_lowercase();
    }
    (1..=AOR_BYTES_MAX).contains(&key.len()).then(|| key.into_bump_slice())
}

/// Whether a user part is its own key where the domain does not count, as most are: without
/// capitals and escapes, whether case counts or not.
#[inline]
#[must_use]
pub fn is_own_key(user: &[u8]) -> bool {
    (1..=AOR_BYTES_MAX).contains(&user.len()) && is_canonical(user)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(uri: &str, rules: AorRules<'_>) -> Option<String> {
        let arena = Bump::new();
        let uri = Uri::parse(uri.as_bytes()).unwrap();
        aor_key(&uri, rules, &arena).map(|key| String::from_utf8(key.to_vec()).unwrap())
    }

    #[test]
    fn users_are_told_apart_as_the_rules_say() {
        let by_user = AorRules::default();
        let by_domain = AorRules { use_domain: true, ..by_user };
        let by_case = AorRules { case_sensitive: true, ..by_domain };
        let by_realm = AorRules { realm_prefix: b"sip.", ..by_domain };
        for (uri, rules, expected) in [
            ("sip:Bob@One.Example", by_user, Some("bob")),
            ("sip:Bob@One.Example:5070;transport=udp", by_domain, Some("bob@one.example")),
            ("sips:Bob:secret@One.Example", by_case, Some("Bob@one.example")),
            ("sip:%62ob@one.example", by_user, Some("bob")),
            ("sip:bob%40home@one.example", by_domain, Some("bob@home@one.example")),
            ("sip:bob@SIP.one.example", by_realm, Some("bob@one.example")),
            ("sip:bob@one.example", by_realm, Some("bob@one.example")),
            ("sip:One.example:5070;a=b", by_user, Some("one.example")),
            ("sip:one.example", by_case, Some("one.example")),
            ("sip:sip.one.example", by_realm, Some("one.example")),
            ("sip:sip.", by_realm, None),
        ] {
            assert_eq!(key(uri, rules).as_deref(), expected, "{uri}");
        }
    }

    #[test]
    fn a_key_is_bounded() {
        let exact = format!("sip:{}@h", "u".repeat(AOR_BYTES_MAX));
        assert!(key(&exact, AorRules::default()).is_some());
        let long = format!("sip:{}@h", "u".repeat(AOR_BYTES_MAX + 1));
        assert!(key(&long, AorRules::default()).is_none());
    }
}
