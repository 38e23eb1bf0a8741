//! Text with variables and wildcards: `branch=$branch`, `SIP/2.0 2*`.
//!
//! ```text
//! *                          any text, or none; only where something is expected
//! $name, ${name}             the value of a variable; one that has none yet, where something is
//!                            expected, gets one: text without white space and ; , < > "
//! \* \$ \\ \r \n \t \xNN     that character
//! ```

use std::borrow::Cow;

use regex::bytes::Regex;

/// A text with variables and wildcards.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Template {
    pieces: Vec<Piece>,
}

/// A piece of a [`Template`].
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    /// Text as it is.
    Text(Vec<u8>),
    /// Any text.
    Any,
    /// The value of a variable.
    Variable(String),
}

/// The variables of a case.
#[derive(Clone, Debug, Default)]
pub(super) struct Variables {
    values: Vec<(String, Vec<u8>)>,
}

impl Variables {
    /// The value of a variable.
    pub(super) fn get(&self, name: &str) -> Option<&[u8]> {
        self.values.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_slice())
    }

    /// Gives a variable a value.
    pub(super) fn set(&mut self, name: &str, value: Vec<u8>) {
        self.values.retain(|(known, _)| known != name);
        self.values.push((name.to_owned(), value));
    }
}

impl Template {
    /// Reads a text; `wild` if `*` stands for any text. Else what is wrong, and where.
    pub(super) fn parse(text: &str, wild: bool) -> Result<Self, (usize, &'static str)> {
        let mut template = Self::default();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let at = text.len() - rest.len();
            let length = match first {
                '*' if wild => {
                    template.pieces.push(Piece::Any);
                    1
                }
                '\\' => template.escape(rest, at)?,
                '$' => template.variable(rest, at)?,
                other => {
                    let mut buffer = [0; 4];
                    template.text(other.encode_utf8(&mut buffer).as_bytes());
                    other.len_utf8()
                }
            };
            rest = &rest[length..];
        }
        Ok(template)
    }

    /// The names of its variables.
    pub(super) fn variables(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Variable(name) => Some(name.as_str()),
            Piece::Text(_) | Piece::Any => None,
        })
    }

    /// The text with the values of variables in it.
    pub(super) fn fill(&self, variables: &Variables) -> Vec<u8> {
        let mut text = Vec::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(piece) => text.extend_from_slice(piece),
                Piece::Any => text.push(b'*'),
                Piece::Variable(name) => {
                    text.extend_from_slice(variables.get(name).unwrap_or_default());
                }
            }
        }
        text
    }

    /// The text for people: variables that have no value yet by their names.
    pub(super) fn show(&self, variables: &Variables) -> Vec<u8> {
        let shown = |piece: &Piece| match piece {
            Piece::Text(piece) => piece.clone(),
            Piece::Any => b"*".to_vec(),
            Piece::Variable(name) => match variables.get(name) {
                Some(value) => value.to_vec(),
                None => format!("${name}").into_bytes(),
            },
        };
        self.pieces.iter().flat_map(shown).collect()
    }

    /// Whether `text` is as this says. If so, variables that had no value have one.
    pub(super) fn matches(&self, text: &[u8], variables: &mut Variables) -> bool {
        let mut names = Vec::new();
        let mut pattern = String::from("(?s-u)^");
        for piece in &self.pieces {
            let known = |name: &str| variables.get(name).map(Cow::Borrowed);
            match piece {
                Piece::Text(piece) => pattern.push_str(&literal(piece)),
                Piece::Any => pattern.push_str(".*"),
                Piece::Variable(name) => match known(name) {
                    Some(value) => pattern.push_str(&literal(&value)),
                    None => {
                        names.push(name.as_str());
                        pattern.push_str(r#"([^ \t\r\n;,<>"]+)"#);
                    }
                },
            }
        }
        pattern.push('$');
        // A line that is too long for an expression is compared with nothing.
        let Ok(regex) = Regex::new(&pattern) else { return false };
        let Some(captures) = regex.captures(text) else { return false };
        let mut found: Vec<(&str, &[u8])> = Vec::new();
        for (name, value) in names.into_iter().zip(captures.iter().skip(1).flatten()) {
            match found.iter().find(|(known, _)| *known == name) {
                Some((_, earlier)) if *earlier != value.as_bytes() => return false,
                _ => found.push((name, value.as_bytes())),
            }
        }
        found.into_iter().for_each(|(name, value)| variables.set(name, value.to_vec()));
        true
    }

    /// Adds text.
    fn text(&mut self, text: &[u8]) {
        match self.pieces.last_mut() {
            Some(Piece::Text(last)) => last.extend_from_slice(text),
            _ => self.pieces.push(Piece::Text(text.to_vec())),
        }
    }

    /// Reads what begins with a backslash; its length.
    fn escape(&mut self, rest: &str, at: usize) -> Result<usize, (usize, &'static str)> {
        let byte = match rest.as_bytes().get(1) {
            Some(b'r') => b'\r',
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(b'x') => {
                let digits =
                    rest.get(2..4).filter(|two| two.bytes().all(|b| b.is_ascii_hexdigit()));
                let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
                self.text(&[byte.ok_or((at, "`\\x` is followed by two hexadecimal digits"))?]);
                return Ok(4);
            }
            Some(sign @ (b'*' | b'$' | b'\\')) => *sign,
            // A quoted pair of SIP.
            _ => {
                self.text(b"\\");
                return Ok(1);
            }
        };
        self.text(&[byte]);
        Ok(2)
    }

    /// Reads what begins with a `$`; its length.
    fn variable(&mut self, rest: &str, at: usize) -> Result<usize, (usize, &'static str)> {
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let (braced, opening) = match rest.as_bytes().get(1) {
            Some(b'{') => (true, 2),
            _ => (false, 1),
        };
        let name: String = rest[opening..].bytes().take_while(is_name).map(char::from).collect();
        let length = opening + name.len();
        if braced && (name.is_empty() || rest.as_bytes().get(length) != Some(&b'}')) {
            return Err((at, "a variable is written `$name` or `${name}`"));
        }
        if name.is_empty() {
            self.text(b"$");
            return Ok(1);
        }
        self.pieces.push(Piece::Variable(name));
        Ok(length + usize::from(braced))
    }
}

/// A regular expression that matches these bytes and no others.
fn literal(text: &[u8]) -> String {
    text.iter()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(*byte).to_string(),
            other => format!("\\x{other:02x}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(text: &str) -> Template {
        Template::parse(text, true).unwrap()
    }

    #[test]
    fn wildcards_stand_for_any_text() {
        let mut variables = Variables::default();
        for (pattern, text, expected) in [
            ("SIP/2.0 2*", "SIP/2.0 200 OK", true),
            ("SIP/2.0 2*", "SIP/2.0 300 No", false),
            ("*", "", true),
            ("a*b*c", "aXbbYc", true),
            ("a*", "ba", false),
            (r"\*", "*", true),
            (r"\*", "x", false),
            ("(.)[a]", "(.)[a]", true),
            ("", "x", false),
        ] {
            let found = template(pattern).matches(text.as_bytes(), &mut variables);
            assert_eq!(found, expected, "{pattern} {text}");
        }
        assert!(template("a*\\xff").matches(b"a\r\n\x00\xff", &mut variables));
    }

    #[test]
    fn a_variable_takes_the_first_value_and_keeps_it() {
        let mut variables = Variables::default();
        assert!(template("<sip:$host>;tag=$tag;*").matches(b"<sip:a.b>;tag=1;x", &mut variables));
        assert_eq!(variables.get("tag"), Some(&b"1"[..]));
        assert_eq!(template("${tag}0@$host").fill(&variables), b"10@a.b");
        assert!(!template("tag=$tag").matches(b"tag=2", &mut variables));
        assert!(template("$new=$new").matches(b"x=x", &mut variables));
        assert!(!template("$other=$other").matches(b"x=y", &mut variables));
        assert_eq!(variables.get("other"), None);
        assert_eq!(template("$tag $none *").show(&variables), b"1 $none *");
    }

    #[test]
    fn escapes_are_single_characters() {
        let text = Template::parse(r#"\x00\r\n\t\$x \q "\"" $ $."#, false).unwrap();
        assert_eq!(text.fill(&Variables::default()), b"\x00\r\n\t$x \\q \"\\\"\" $ $.");
        for (text, at) in [("a\\x1", 1), ("\\xg0", 0), ("ab${", 2), ("${}", 0), ("${a", 0)] {
            assert_eq!(Template::parse(text, false).unwrap_err().0, at, "{text}");
        }
        assert_eq!(Template::parse("\\xé", false).unwrap_err().0, 0);
    }
}
