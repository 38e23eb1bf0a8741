//! `;name=value` parameters (RFC 3261 §25.1 `generic-param`).

use super::list::{quoted_end, trim};

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

    /// All parameters, in order.
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
}

impl<'d> Param<'d> {
    /// The parameter that `text` is.
    fn split(text: &'d [u8]) -> Self {
        match memchr::memchr(b'=', text) {
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
