//! The Route of a request on whose path the server has put itself.

use super::octet::equal;
use super::scan::{Block, search};

/// The URI parameters of a Route value, from their first semicolon, if it is a SIP URI at
/// `hostport` in angle brackets as proxies write their Record-Route: without user, display name
/// and white space, and with no other value behind it. `None` of any other: it may mean the same
/// in other words.
#[inline]
#[must_use]
pub fn plain_route_params<'d>(value: &'d [u8], hostport: &[u8]) -> Option<&'d [u8]> {
    let uri = value.strip_prefix(b"<sip:")?.strip_suffix(b">")?;
    let (host, params) = uri.split_at_checked(hostport.len())?;
    let is_whole = matches!(params.first(), None | Some(b';'));
    (is_whole && equal(host, hostport) && are_params(params)).then_some(params)
}

/// Whether `text` has only octets that usual URI parameters have: none that ends them, and no at
/// sign, which would make a user of what stands before it.
#[inline]
fn are_params(text: &[u8]) -> bool {
    let others = |block: Block| {
        !block.within(b'*', b'~') | block.is(b',') | block.angles() | block.within(b'?', b'@')
    };
    let is_other = |byte| !matches!(byte, b'*'..=b'~') || matches!(byte, b',' | b'<' | b'>'..=b'@');
    match (text.first_chunk(), text.last_chunk()) {
        // A few octets of our own and the tag of the caller, most often.
        (Some(first), Some(last)) if text.len() <= 2 * Block::LENGTH => {
            (others(Block::new(*first)) | others(Block::new(*last))).bits() == 0
        }
        _ => search(text, others, is_other).is_none(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Items, NameAddr, Scheme, Uri};
    use super::*;

    proptest! {
        #[test]
        fn a_plain_route_is_read_as_any(
            host in proptest::sample::select(&["192.0.2.1", "[::1]", "p.example"][..]),
            port in proptest::sample::select(&["", ":5070"][..]),
            pieces in proptest::collection::vec(
                proptest::sample::select(&[
                    ";", "lr", "ftag=", "=", "1928301774", "a", "-", "@", "?", ":", ",", "<", ">",
                    " ", "\"", "\t", "é", "\u{7f}", "0123456789-abcdef", "*", "~", "%41",
                ][..]),
                0..9,
            ),
            end in proptest::sample::select(&[">", ">", ">", ""][..]),
        ) {
            let hostport = format!("{host}{port}");
            let value = format!("<sip:{hostport}{}{end}", pieces.concat());
            if let Some(params) = plain_route_params(value.as_bytes(), hostport.as_bytes()) {
                let items: Vec<_> = Items::new(value.as_bytes()).collect();
                prop_assert_eq!(&items, &[value.as_bytes()]);
                let uri = Uri::parse(NameAddr::parse(items[0]).unwrap().uri).unwrap();
                prop_assert_eq!((uri.scheme, uri.user, uri.headers), (Scheme::Sip, None, None));
                prop_assert_eq!((uri.host, uri.params.text()), (host.as_bytes(), params));
                prop_assert_eq!(uri.port, (!port.is_empty()).then_some(5070));
            }
        }
    }

    #[test]
    fn what_proxies_write_is_plain() {
        let hostport = b"192.0.2.1:5070";
        for params in ["", ";lr", ";lr;ftag=1928301774", ";r2=on;lr=on;ftag=a-b.c~d;nat=yes"] {
            let value = format!("<sip:192.0.2.1:5070{params}>");
            let found = plain_route_params(value.as_bytes(), hostport);
            assert_eq!(found, Some(params.as_bytes()), "{params}");
        }
        for value in ["<sip:192.0.2.1:50701;lr>", "<sip:a@192.0.2.1:5070>", "<sip:192.0.2.1;lr>"] {
            assert_eq!(plain_route_params(value.as_bytes(), hostport), None, "{value}");
        }
    }
}
