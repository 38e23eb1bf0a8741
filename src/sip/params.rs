//! `;name=value` parameters (RFC 3261 §25.1 `generic-param`).

use super::list::{closing_quote, quoted_end};
use super::octet::{are_plain, edges, is_param_value, is_token, prefix_len, skip_space, trim};
use super::scan::{find, find2};

/// The parameters behind a value: text that starts at the first semicolon, or is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Params<'d> {
    text: &'d [u8],
}

/// Where a parameter is: offsets in the text of all.
pub(super) struct Place {
    pub(super) start: usize,
    /// Where its value starts; 0 if it has none.
    pub(super) value: usize,
    pub(super) end: usize,
}

impl Place {
    /// The parameter there, of that name.
    #[inline]
    fn param<'d>(self, name: &'d [u8], text: &'d [u8]) -> Param<'d> {
        let text = &text[..self.end];
        let value = text.get(self.value..).filter(|_| self.value > 0);
        Param { name, value, text: &text[self.start..] }
    }
}

/// One parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param<'d> {
    /// Its name; names are compared without regard to case.
    pub name: &'d [u8],
    /// Its value, quotes included, if it has one.
    pub value: Option<&'d [u8]>,
    /// All of it, from the name to the end of the value.
    pub text: &'d [u8],
}

impl<'d> Params<'d> {
    /// The parameters in `text`, which starts with a semicolon or is empty.
    #[must_use]
    pub const fn new(text: &'d [u8]) -> Self {
        Self { text }
    }

    /// All of it, from the first semicolon.
    #[must_use]
    pub const fn text(&self) -> &'d [u8] {
        self.text
    }

    /// The parameter of that name, in any case; the first, should it stand twice.
    #[must_use]
    pub fn get(&self, name: &[u8]) -> Option<Param<'d>> {
        self.iter().find(|param| param.name.eq_ignore_ascii_case(name))
    }

    /// All parameters, in order. Empty ones are skipped.
    pub fn iter(&self) -> impl Iterator<Item = Param<'d>> + use<'d> {
        let mut rest = self.text;
        std::iter::from_fn(move || {
            while !rest.is_empty() {
                let (param, behind) = Param::split_first(rest);
                rest = behind;
                if !param.text.is_empty() {
                    return Some(param);
                }
            }
            None
        })
    }

    /// Gives each parameter to `see`. False if one is malformed: without a name behind its
    /// semicolon, or with a value that is not whole.
    #[inline]
    pub(super) fn walk(&self, mut see: impl FnMut(Param<'d>)) -> bool {
        let see_plain = |name, place: Place| see(place.param(name, self.text));
        // What is malformed may be seen twice.
        self.walk_plain(see_plain).is_some() || self.walk_any(see)
    }

    /// Gives the name of each parameter to `see`, and where it is, if the text is as almost all
    /// are: short, without quotes, spaces and the like. Only semicolons and equals signs have to
    /// be found. `None` for another text, and for one that is malformed.
    #[inline]
    pub(super) fn walk_plain(&self, mut see: impl FnMut(&'d [u8], Place)) -> Option<()> {
        self.walk_from(0, PlainEdges::of(self.text)?, |name, place| {
            see(name, place);
            Some(())
        })
    }

    /// As [`Self::walk_plain`], from the parameter on whose semicolon is at `at`, or from the end.
    #[inline(always)]
    pub(super) fn walk_from(
        &self,
        at: usize,
        edges: PlainEdges,
        mut see: impl FnMut(&'d [u8], Place) -> Option<()>,
    ) -> Option<()> {
        let text = self.text;
        let (mut at, mut edges) = (at, edges);
        while let Some(octet) = text.get(at) {
            if *octet != b';' {
                return None;
            }
            let start = at + 1;
            at = edges.behind(at);
            let name = text.get(start..at).filter(|name| !name.is_empty())?;
            let mut value = 0;
            if text.get(at) == Some(&b'=') {
                value = at + 1;
                at = edges.behind_value(text, at);
            }
            // What ends here must be known to be a parameter before it is seen.
            if text.get(at).is_some_and(|octet| *octet != b';') {
                return None;
            }
            see(name, Place { start, value, end: at })?;
        }
        Some(())
    }

    /// As [`Self::walk`], for any text.
    #[inline(never)]
    fn walk_any(&self, mut see: impl FnMut(Param<'d>)) -> bool {
        let is_plain = are_plain(self.text);
        let mut rest = self.text;
        while !rest.is_empty() {
            let first = if is_plain { Param::split_plain(rest) } else { Param::parse_first(rest) };
            let Some((param, behind)) = first else { return false };
            see(param);
            rest = behind;
        }
        true
    }
}

/// The semicolons and equals signs of parameters, all that is not in the plain ones, and the end
/// of them.
#[derive(Clone, Copy)]
pub(super) struct PlainEdges(u64);

impl PlainEdges {
    /// Those of `text`, if it is one as almost all are.
    #[inline]
    pub(super) fn of(text: &[u8]) -> Option<Self> {
        Some(Self(edges(text)? | 1 << text.len()))
    }

    /// The next one behind that at `at`, which is the first.
    #[inline]
    pub(super) fn behind(&mut self, at: usize) -> usize {
        self.0 &= u64::MAX << 1 << at;
        self.0.trailing_zeros() as usize
    }

    /// The next one behind the equals sign at `at`, and behind those that the value has.
    #[inline]
    pub(super) fn behind_value(&mut self, text: &[u8], at: usize) -> usize {
        let mut at = self.behind(at);
        while text.get(at) == Some(&b'=') {
            at = self.behind(at);
        }
        at
    }
}

impl<'d> Param<'d> {
    /// The first parameter of `text`, well-formed or not, and what stands behind it.
    fn split_first(text: &'d [u8]) -> (Self, &'d [u8]) {
        let start = usize::from(text.first() == Some(&b';'));
        let end = start + find2(&text[start..], b';', b'"').unwrap_or(text.len() - start);
        if text.get(end) == Some(&b'"') {
            return Self::split_first_quoted(text, start);
        }
        let param = &text[start..end];
        let (name, value) = match find(param, b'=') {
            Some(equals) => (&param[..equals], Some(trim(&param[equals + 1..]))),
            None => (param, None),
        };
        (Self { name: trim(name), value, text: trim(param) }, &text[end..])
    }

    /// As [`Self::split_first`], of a text with a quotation mark; the parameter starts at `start`.
    #[inline(never)]
    fn split_first_quoted(text: &'d [u8], start: usize) -> (Self, &'d [u8]) {
        let mut at = start;
        let mut equals = None;
        while at < text.len() {
            match text[at] {
                b';' => break,
                b'=' if equals.is_none() => equals = Some(at),
                b'"' => at = quoted_end(text, at),
                _ => {}
            }
            at += 1;
        }
        let end = at.min(text.len());
        let name = trim(&text[start..equals.unwrap_or(end)]);
        let value = equals.map(|equals| trim(&text[equals + 1..end]));
        (Self { name, value, text: trim(&text[start..end]) }, &text[end..])
    }

    /// As [`Self::parse_first`], for a text without quotes, spaces and the like, as almost all
    /// are: only the semicolon and the equals sign have to be found.
    #[inline]
    fn split_plain(text: &'d [u8]) -> Option<(Self, &'d [u8])> {
        let text = text.strip_prefix(b";")?;
        let name_len = find2(text, b';', b'=').unwrap_or(text.len());
        let (name, rest) = text.split_at(name_len);
        if name.is_empty() {
            return None;
        }
        let Some(value) = rest.strip_prefix(b"=") else {
            return Some((Self { name, value: None, text: name }, rest));
        };
        let value_len = find(value, b';').unwrap_or(value.len());
        let (value, rest) = value.split_at(value_len);
        let whole = &text[..text.len() - rest.len()];
        Some((Self { name, value: Some(value), text: whole }, rest))
    }

    /// The first parameter of `text` and what stands behind it, if it is well-formed.
    #[inline(never)]
    fn parse_first(text: &'d [u8]) -> Option<(Self, &'d [u8])> {
        let text = skip_space(text.strip_prefix(b";")?);
        let name_len = prefix_len(text, is_token);
        let (name, behind_name) = text.split_at(name_len);
        let rest = skip_space(behind_name);
        if name_len == 0 {
            return None;
        }
        let Some(value) = rest.strip_prefix(b"=") else {
            return Some((Self { name, value: None, text: name }, rest));
        };
        let value = skip_space(value);
        let value_len = match value.first() {
            Some(b'"') => closing_quote(value, 0)? + 1,
            _ => prefix_len(value, is_param_value),
        };
        let (value, rest) = value.split_at(value_len);
        let whole = &text[..text.len() - rest.len()];
        Some((Self { name, value: Some(value), text: whole }, skip_space(rest)))
    }

    /// The value without its quotes, if it had any; escapes within are kept.
    #[must_use]
    pub fn unquoted(&self) -> Option<&'d [u8]> {
        self.value.map(unquoted)
    }
}

/// `value` without its quotes, if it has any.
pub(super) const fn unquoted(value: &[u8]) -> &[u8] {
    match value {
        [b'"', inner @ .., b'"'] => inner,
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn plain_params_are_walked_as_any(
            pieces in proptest::collection::vec(
                proptest::sample::select(&[
                    ";", "=", "a", "lr", "\"", "\\", " ", ",", "é", "0123456789-abcdef",
                ][..]),
                0..24,
            ),
        ) {
            let text = pieces.concat();
            let params = Params::new(text.as_bytes());
            let (mut plain, mut any) = (Vec::new(), Vec::new());
            let see = |name, place: Place| plain.push(place.param(name, params.text()));
            if params.walk_plain(see).is_some() {
                prop_assert!(params.walk_any(|param| any.push(param)));
                prop_assert_eq!(plain, any);
            }
        }
    }

    proptest! {
        #[test]
        fn params_without_quotes_are_split_as_those_with(text in "[;=ab \"\\\\]{0,12}") {
            let start = usize::from(text.starts_with(';'));
            let expected = Param::split_first_quoted(text.as_bytes(), start);
            prop_assert_eq!(Param::split_first(text.as_bytes()), expected);
        }
    }

    #[test]
    fn params_are_found_in_any_case_with_space_around() {
        let params = Params::new(b" ;Lr;tag = 1 ;;x=\"a;b=c\";tag=2");
        assert_eq!(params.get(b"lr").map(|param| param.value), Some(None));
        let tag = params.get(b"TAG").unwrap();
        assert_eq!((tag.value, tag.text), (Some(&b"1"[..]), &b"tag = 1"[..]));
        let quoted = params.get(b"x").unwrap();
        assert_eq!(quoted.value, Some(&b"\"a;b=c\""[..]));
        assert_eq!(quoted.unquoted(), Some(&b"a;b=c"[..]));
        assert_eq!(params.get(b"a"), None);
        assert_eq!(params.iter().count(), 4);
    }

    #[test]
    fn odd_texts_have_the_params_that_they_seem_to_have() {
        for (text, count) in [("", 0), (";", 0), (";;,", 1), ("a", 1), (";a=", 1), (";\"a;b", 1)] {
            assert_eq!(Params::new(text.as_bytes()).iter().count(), count, "{text}");
        }
        let empty = Params::new(b";a=").get(b"a").unwrap();
        assert_eq!((empty.value, empty.unquoted()), (Some(&b""[..]), Some(&b""[..])));
        assert_eq!(Params::new(b";a=\"").get(b"a").unwrap().unquoted(), Some(&b"\""[..]));
    }

    #[test]
    fn well_formed_params_have_names_and_whole_values() {
        for text in ["", ";a", "; a = b ; c", ";a=\"\\\";\"", ";a=[::1]:5", ";a=b==", ";a="] {
            assert!(Params::new(text.as_bytes()).walk(|_| {}), "{text}");
        }
        for text in [";", ";;a", ";a;", "a", ";=b", ";a=\"b", ";a b", ";a=b c", ";a=b,c", ";a=<b>"]
        {
            assert!(!Params::new(text.as_bytes()).walk(|_| {}), "{text}");
        }
    }
}
