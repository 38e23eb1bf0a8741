//! `;name=value` parameters (RFC 3261 §25.1 `generic-param`).

use super::list::{closing_quote, quoted_end};
use super::octet::{is_param_value, is_token, prefix_len, skip_space, trim};

/// The parameters behind a value: text that starts at the first semicolon, or is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Params<'d> {
    text: &'d [u8],
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
                let start = usize::from(rest[0] == b';');
                let end = param_end(rest, start);
                let text = trim(&rest[start..end]);
                rest = &rest[end..];
                if !text.is_empty() {
                    return Some(Param::split(text));
                }
            }
            None
        })
    }

    /// Whether each semicolon is followed by a name, and each value is whole.
    pub(super) fn are_well_formed(&self) -> bool {
        let mut rest = self.text;
        while !rest.is_empty() {
            let Some(behind) = after_param(rest) else { return false };
            rest = behind;
        }
        true
    }
}

impl<'d> Param<'d> {
    /// The parameter that `text` is.
    fn split(text: &'d [u8]) -> Self {
        match text.iter().position(|byte| *byte == b'=') {
            Some(equals) => {
                Self { name: trim(&text[..equals]), value: Some(trim(&text[equals + 1..])), text }
            }
            None => Self { name: text, value: None, text },
        }
    }

    /// The value without its quotes, if it had any; escapes within are kept.
    #[must_use]
    pub fn unquoted(&self) -> Option<&'d [u8]> {
        let value = self.value?;
        Some(match value {
            [b'"', inner @ .., b'"'] => inner,
            _ => value,
        })
    }
}

/// What stands behind the first parameter of `text`, if that is well-formed.
#[inline]
fn after_param(text: &[u8]) -> Option<&[u8]> {
    let text = skip_space(text.strip_prefix(b";")?);
    let name_len = prefix_len(text, is_token);
    let rest = skip_space(&text[name_len..]);
    if name_len == 0 {
        return None;
    }
    let Some(value) = rest.strip_prefix(b"=") else { return Some(rest) };
    let value = skip_space(value);
    let value_len = match value.first() {
        Some(b'"') => closing_quote(value, 0)? + 1,
        _ => prefix_len(value, is_param_value),
    };
    Some(skip_space(&value[value_len..]))
}

/// Offset of the semicolon that ends the parameter at `start`, or the length of the text.
fn param_end(text: &[u8], start: usize) -> usize {
    let mut at = start;
    while at < text.len() {
        match text[at] {
            b';' => return at,
            b'"' => at = quoted_end(text, at),
            _ => {}
        }
        at += 1;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert!(Params::new(text.as_bytes()).are_well_formed(), "{text}");
        }
        for text in [";", ";;a", ";a;", "a", ";=b", ";a=\"b", ";a b", ";a=b c", ";a=b,c", ";a=<b>"]
        {
            assert!(!Params::new(text.as_bytes()).are_well_formed(), "{text}");
        }
    }
}
