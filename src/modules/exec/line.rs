//! From a command in the script to what the shell reads.
//!
//! What pseudo-variables hold comes from messages, so that it must never be read by the shell.
//! Wherever one stands in the command, the shell finds a reference to a variable of its
//! environment (`SIP_VALUE_1` and so on): what it expands to is not read again for quotes,
//! operators or substitutions. The quotes around it are followed only so that it stays one word
//! and is expanded at all; a mistake in that could split it or leave it out, no more.

use crate::jobs::Environment;
use crate::script::Piece;

/// The text of the command, and the variables of the environment that it refers to. `argument`,
/// if there is one, becomes the last argument.
pub(super) fn compose<'m>(
    pieces: impl Iterator<Item = Piece<'m>>,
    argument: Option<&[u8]>,
) -> (Vec<u8>, Environment) {
    let mut line = Line::default();
    for piece in pieces {
        match piece {
            Piece::Written(text) => line.write(text),
            Piece::Held(value) => line.refer_to(value),
        }
    }
    if let Some(argument) = argument.filter(|_| line.takes_arguments()) {
        line.write(b" ");
        line.refer_to(argument);
    }
    (line.text, line.environment)
}

/// How the shell reads a piece of the command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Quoting {
    /// Not quoted.
    #[default]
    Plain,
    /// Between `'`.
    Single,
    /// Between `"`.
    Double,
}

/// What closes a command within the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Closing {
    /// `)`, of `$(...)` or `(...)`.
    Parenthesis,
    /// A backquote.
    Backquote,
}

/// The command so far.
#[derive(Debug, Default)]
struct Line {
    text: Vec<u8>,
    environment: Environment,
    quoting: Quoting,
    /// How the text around the present command within the command is quoted, and what closes it.
    around: Vec<(Quoting, Closing)>,
    /// The next byte stands for itself.
    is_escaped: bool,
}

impl Line {
    /// Takes what the script's author has written.
    fn write(&mut self, text: &[u8]) {
        for byte in text {
            let last = self.text.last().copied();
            self.text.push(*byte);
            if std::mem::take(&mut self.is_escaped) {
                continue;
            }
            self.read(*byte, last);
        }
    }

    /// Follows the quotes and the commands within the command.
    fn read(&mut self, byte: u8, last: Option<u8>) {
        match (byte, self.quoting) {
            (b'\'', Quoting::Single) | (b'"', Quoting::Double) => self.quoting = Quoting::Plain,
            (_, Quoting::Single) => {}
            (b'\\', _) => self.is_escaped = true,
            (b'\'', Quoting::Plain) => self.quoting = Quoting::Single,
            (b'"', Quoting::Plain) => self.quoting = Quoting::Double,
            (b'`', _) if self.around.last().is_some_and(|(_, it)| *it == Closing::Backquote) => {
                self.close();
            }
            (b'`', _) => self.open(Closing::Backquote),
            (b'(', Quoting::Plain) => self.open(Closing::Parenthesis),
            (b'(', Quoting::Double) if last == Some(b'$') => self.open(Closing::Parenthesis),
            (b')', Quoting::Plain)
                if self.around.last().is_some_and(|(_, it)| *it == Closing::Parenthesis) =>
            {
                self.close();
            }
            _ => {}
        }
    }

    /// Begins a command within the command.
    fn open(&mut self, closing: Closing) {
        self.around.push((self.quoting, closing));
        self.quoting = Quoting::Plain;
    }

    /// Ends the present command within the command.
    fn close(&mut self) {
        if let Some((quoting, _)) = self.around.pop() {
            self.quoting = quoting;
        }
    }

    /// Refers to a value. A backslash before it is the shell's own affair no more.
    fn refer_to(&mut self, value: &[u8]) {
        if std::mem::take(&mut self.is_escaped) {
            // It would take the reference for text.
            self.text.pop();
        }
        let name = format!("SIP_VALUE_{}", self.environment.len() + 1).into_bytes();
        let (before, after): (&[u8], &[u8]) = match self.quoting {
            Quoting::Plain => (b"\"${", b"}\""),
            Quoting::Single => (b"'\"${", b"}\"'"),
            Quoting::Double => (b"${", b"}"),
        };
        for part in [before, &name, after] {
            self.text.extend_from_slice(part);
        }
        self.environment.push((name, super::environment::clean(value)));
    }

    /// Whether something behind it would be an argument, not a command.
    fn takes_arguments(&self) -> bool {
        !matches!(self.text.trim_ascii_end().last(), None | Some(b';' | b'&' | b'|'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The command of which every second piece is what a variable holds.
    fn command(pieces: &[&str], argument: Option<&str>) -> String {
        let pieces = pieces.iter().enumerate().map(|(position, text)| match position % 2 {
            0 => Piece::Written(text.as_bytes()),
            _ => Piece::Held(text.as_bytes()),
        });
        let (text, environment) = compose(pieces, argument.map(str::as_bytes));
        for (position, (name, _)) in environment.iter().enumerate() {
            assert_eq!(*name, format!("SIP_VALUE_{}", position + 1).into_bytes());
        }
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn a_value_is_referred_to_as_one_word_however_it_is_quoted() {
        for (pieces, expected) in [
            (vec!["echo ", "x"], r#"echo "${SIP_VALUE_1}""#),
            (vec!["echo '", "x", "'"], r#"echo ''"${SIP_VALUE_1}"''"#),
            (vec!["echo \"", "x", " y\""], r#"echo "${SIP_VALUE_1} y""#),
            (vec!["echo \"$(f ", "x", ")\""], r#"echo "$(f "${SIP_VALUE_1}")""#),
            (
                vec!["echo \"`f ", "x", "`", "y", "\""],
                r#"echo "`f "${SIP_VALUE_1}"`${SIP_VALUE_2}""#,
            ),
            (vec!["(f ", "x", "); g \"", "y", "\""], r#"(f "${SIP_VALUE_1}"); g "${SIP_VALUE_2}""#),
            (vec!["echo it\\'s ", "x"], r#"echo it\'s "${SIP_VALUE_1}""#),
            (vec!["echo \\", "x"], r#"echo "${SIP_VALUE_1}""#),
            (vec!["echo /tmp/", "x", ".txt"], r#"echo /tmp/"${SIP_VALUE_1}".txt"#),
        ] {
            assert_eq!(command(&pieces, None), expected);
        }
    }

    #[test]
    fn the_last_argument_is_one_and_no_command() {
        assert_eq!(command(&["lcr"], Some("sip:a@b")), r#"lcr "${SIP_VALUE_1}""#);
        assert_eq!(
            command(&["a; b ", "x"], Some("y")),
            r#"a; b "${SIP_VALUE_1}" "${SIP_VALUE_2}""#
        );
        for text in ["echo sip:a@b;", "lcr & ", "a|", " "] {
            assert_eq!(command(&[text], Some("sip:a@b")), text);
        }
    }
}
