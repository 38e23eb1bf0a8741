//! Regular expressions as scripts write them: POSIX extended, with the extensions of GNU.
//!
//! ```text
//! ^sip:[^@\.]+@(a|b){,2}\>      what the script says (bytes)
//!   ─ translate ─▶ ^sip:[...]+\x40(a|b){0,2}\b{end}   the same in the grammar of `regex`
//!   ─ build ─▶ Regex            bytes, not Unicode; bounded in size, linear in time
//! ```
//!
//! Differences from the library that the peers use:
//!
//! - Back-references are refused: they cannot be matched in linear time.
//! - Of several alternatives that match at one place the first wins, not the longest. This
//!   matters only where the matched text is replaced (`sip|sips`: write `sips|sip`).
//! - Where `$` matches at line ends it does so before the CR of a CRLF too.
//! - `\n`, `\r` and `\t` are the control characters, in single-quoted strings as well.
//! - A `{` that starts no repetition is an ordinary character.

use regex::bytes::{Regex, RegexBuilder};

/// How a pattern is matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PatternFlags {
    /// Without regard to the case of letters.
    pub ignore_case: bool,
    /// `^` and `$` match at line ends, and `.` and `[^...]` do not cross them.
    pub newline_sensitive: bool,
}

impl PatternFlags {
    /// The `=~` of the core language: case does not matter, newlines are ordinary bytes.
    pub const OPERATOR: Self = Self { ignore_case: true, newline_sensitive: false };
    /// The functions of textops: case does not matter, lines do.
    pub const TEXTOPS: Self = Self { ignore_case: true, newline_sensitive: true };
}

/// Compiles a POSIX extended regular expression over bytes.
///
/// # Errors
///
/// What is wrong with it, in a few words.
pub fn compile_pattern(pattern: &[u8], flags: PatternFlags) -> Result<Regex, String> {
    let text = Translator::new(pattern, flags).translate()?;
    RegexBuilder::new(&text)
        .unicode(false)
        .case_insensitive(flags.ignore_case)
        .multi_line(false)
        .dot_matches_new_line(!flags.newline_sensitive)
        .size_limit(COMPILED_BYTES_MAX)
        .dfa_size_limit(COMPILED_BYTES_MAX)
        .nest_limit(NESTING_MAX)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "it is too large".to_owned(),
            _ => "it is nested too deeply or repeats too often".to_owned(),
        })
}

/// Bytes that one compiled pattern may take, and its lazily built automaton as well.
const COMPILED_BYTES_MAX: usize = 1 << 20;

/// Groups within groups.
const NESTING_MAX: u32 = 100;

/// Repetitions of one element (`RE_DUP_MAX` of POSIX, as GNU sets it).
const REPETITION_MAX: u32 = 32_767;

/// The way of a pattern from the one grammar to the other.
struct Translator<'p> {
    pattern: &'p [u8],
    at: usize,
    flags: PatternFlags,
    out: String,
    /// Where the groups that are open start in `out`.
    open: Vec<usize>,
    /// Where the element starts in `out` that a repetition would repeat.
    element: Option<usize>,
    /// Whether that element has been repeated already.
    repeated: bool,
}

impl<'p> Translator<'p> {
    /// A translator at the start of `pattern`.
    const fn new(pattern: &'p [u8], flags: PatternFlags) -> Self {
        Self {
            pattern,
            at: 0,
            flags,
            out: String::new(),
            open: Vec::new(),
            element: None,
            repeated: false,
        }
    }

    /// The whole pattern in the grammar of `regex`.
    fn translate(mut self) -> Result<String, String> {
        while let Some(byte) = self.next() {
            match byte {
                b'\\' => self.escape()?,
                b'[' => self.bracket()?,
                b'(' => self.open_group(),
                b')' if !self.open.is_empty() => self.close_group(),
                b'|' => self.assertion("|"),
                b'^' => self.assertion(if self.flags.newline_sensitive { "(?m:^)" } else { "^" }),
                b'$' => self.assertion(if self.flags.newline_sensitive { LINE_END } else { "$" }),
                b'.' => self.element("."),
                b'*' => self.repeat("*")?,
                b'+' => self.repeat("+")?,
                b'?' => self.repeat("?")?,
                b'{' => match self.interval()? {
                    Some(interval) => self.repeat(&interval)?,
                    None => self.literal(b'{'),
                },
                _ => self.literal(byte),
            }
        }
        if self.open.is_empty() {
            return Ok(self.out);
        }
        Err("a '(' is not closed".to_owned())
    }

    /// Takes the next byte.
    fn next(&mut self) -> Option<u8> {
        let byte = self.pattern.get(self.at).copied()?;
        self.at += 1;
        Some(byte)
    }

    /// What is left of the pattern.
    fn rest(&self) -> &'p [u8] {
        self.pattern.get(self.at..).unwrap_or_default()
    }

    /// Appends something that can be repeated.
    fn element(&mut self, text: &str) {
        self.element = Some(self.out.len());
        self.repeated = false;
        self.out.push_str(text);
    }

    /// Appends something that cannot be repeated.
    fn assertion(&mut self, text: &str) {
        self.element = None;
        self.out.push_str(text);
    }

    /// Appends one byte that stands for itself.
    fn literal(&mut self, byte: u8) {
        self.element = Some(self.out.len());
        self.repeated = false;
        push_byte(&mut self.out, byte);
    }

    /// A `(`.
    fn open_group(&mut self) {
        self.open.push(self.out.len());
        self.assertion("(");
    }

    /// The `)` of an open group: the group can be repeated.
    fn close_group(&mut self) {
        self.element = self.open.pop();
        self.repeated = false;
        self.out.push(')');
    }

    /// A repetition of what stands before. A second one repeats the first: `a+?` is not lazy.
    fn repeat(&mut self, operator: &str) -> Result<(), String> {
        let Some(start) = self.element else {
            return Err(format!("the '{operator}' repeats nothing"));
        };
        if self.repeated {
            self.out.insert_str(start, "(?:");
            self.out.push(')');
        }
        self.repeated = true;
        self.out.push_str(operator);
        Ok(())
    }

    /// The rest of `{n}`, `{n,}`, `{,m}` or `{n,m}`; `None`, and nothing is taken, if the `{`
    /// starts none.
    fn interval(&mut self) -> Result<Option<String>, String> {
        let Some(length) = memchr::memchr(b'}', self.rest()) else { return Ok(None) };
        let inner = &self.rest()[..length];
        let (least, most) = match memchr::memchr(b',', inner) {
            Some(comma) => (&inner[..comma], Some(&inner[comma + 1..])),
            None => (inner, None),
        };
        let digits = |text: &[u8]| text.iter().all(u8::is_ascii_digit);
        if inner.is_empty() || !digits(least) || !most.is_none_or(digits) || self.element.is_none()
        {
            return Ok(None);
        }
        let low = if least.is_empty() { Some(0) } else { count(least) };
        let high = match most {
            None => low,
            Some([]) => Some(REPETITION_MAX),
            Some(text) => count(text),
        };
        let (Some(low), Some(high)) = (low, high) else {
            return Err("a repetition count is too large".to_owned());
        };
        if high < low {
            return Err("a repetition {n,m} has n above m".to_owned());
        }
        self.at += length + 1;
        Ok(Some(match most {
            None => format!("{{{low}}}"),
            Some([]) => format!("{{{low},}}"),
            Some(_) => format!("{{{low},{high}}}"),
        }))
    }

    /// What stands behind a backslash.
    fn escape(&mut self) -> Result<(), String> {
        let Some(byte) = self.next() else {
            return Err("it ends in a backslash".to_owned());
        };
        match byte {
            b'1'..=b'9' => {
                return Err("back-references are not supported".to_owned());
            }
            b'<' => self.assertion(r"\b{start}"),
            b'>' => self.assertion(r"\b{end}"),
            b'b' => self.assertion(r"\b"),
            b'B' => self.assertion(r"\B"),
            b'`' => self.assertion(r"\A"),
            b'\'' => self.assertion(r"\z"),
            b'w' => self.element(r"\w"),
            b'W' => self.element(r"\W"),
            b's' => self.element(r"\s"),
            b'S' => self.element(r"\S"),
            b'n' => self.literal(b'\n'),
            b'r' => self.literal(b'\r'),
            b't' => self.literal(b'\t'),
            _ => self.literal(byte),
        }
        Ok(())
    }

    /// The rest of a bracket expression. A backslash in it is an ordinary character.
    fn bracket(&mut self) -> Result<(), String> {
        let negated = self.rest().first() == Some(&b'^');
        self.at += usize::from(negated);
        let mut set = ByteSet([false; 256]);
        let mut first = true;
        while first || self.rest().first() != Some(&b']') {
            first = false;
            self.bracket_member(&mut set)?;
        }
        self.at += 1;
        if self.flags.ignore_case {
            set.fold_case();
        }
        if negated {
            set.0.iter_mut().for_each(|member| *member = !*member);
            set.0[usize::from(b'\n')] &= !self.flags.newline_sensitive;
        }
        self.element = Some(self.out.len());
        self.repeated = false;
        set.compose(&mut self.out);
        Ok(())
    }

    /// One member of a bracket expression: a class, a byte or a range.
    fn bracket_member(&mut self, set: &mut ByteSet) -> Result<(), String> {
        if let Some(name) = self.delimited(b':') {
            let class = class(name).ok_or("there is no such [:class:]")?;
            (0..=u8::MAX).filter(class).for_each(|byte| set.add(byte, byte));
            return Ok(());
        }
        let low = self.bracket_byte()?;
        let high = match self.rest() {
            [b'-', b']', ..] => low,
            [b'-', ..] => {
                self.at += 1;
                self.bracket_byte()?
            }
            _ => low,
        };
        if high < low {
            return Err("a range runs backwards".to_owned());
        }
        set.add(low, high);
        Ok(())
    }

    /// One byte of a bracket expression, perhaps written as `[.x.]` or `[=x=]`.
    fn bracket_byte(&mut self) -> Result<u8, String> {
        for mark in [b'.', b'='] {
            if let Some(name) = self.delimited(mark) {
                let [byte] = name else {
                    return Err("there is no such collating element".to_owned());
                };
                return Ok(*byte);
            }
        }
        self.next().ok_or_else(|| "a '[' is not closed".to_owned())
    }

    /// The `x` of `[:x:]`, where `mark` is the colon; nothing is taken if none stands here.
    fn delimited(&mut self, mark: u8) -> Option<&'p [u8]> {
        let inner = self.rest().strip_prefix(&[b'[', mark])?;
        let length = inner.windows(2).position(|pair| pair == [mark, b']'])?;
        self.at += length + 4;
        Some(&inner[..length])
    }
}

/// `$` at line ends: before LF and before CRLF.
const LINE_END: &str = "(?:(?mR:$)|(?m:$))";

/// The number of a repetition, if it is not too large.
fn count(digits: &[u8]) -> Option<u32> {
    let number: u32 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    (number <= REPETITION_MAX).then_some(number)
}

/// The members of a named class, in the C locale.
fn class(name: &[u8]) -> Option<fn(&u8) -> bool> {
    Some(match name {
        b"alnum" => u8::is_ascii_alphanumeric,
        b"alpha" => u8::is_ascii_alphabetic,
        b"blank" => |byte| matches!(byte, b' ' | b'\t'),
        b"cntrl" => u8::is_ascii_control,
        b"digit" => u8::is_ascii_digit,
        b"graph" => u8::is_ascii_graphic,
        b"lower" => u8::is_ascii_lowercase,
        b"print" => |byte| matches!(byte, b' '..=b'~'),
        b"punct" => u8::is_ascii_punctuation,
        b"space" => |byte| matches!(byte, b' ' | b'\t'..=b'\r'),
        b"upper" => u8::is_ascii_uppercase,
        b"xdigit" => u8::is_ascii_hexdigit,
        _ => return None,
    })
}

/// Appends a byte that stands for itself.
fn push_byte(out: &mut String, byte: u8) {
    if byte.is_ascii_alphanumeric() {
        out.push(char::from(byte));
    } else {
        out.push_str(&format!("\\x{byte:02x}"));
    }
}

/// The bytes that a bracket expression matches.
struct ByteSet([bool; 256]);

impl ByteSet {
    /// Adds `low` to `high`.
    fn add(&mut self, low: u8, high: u8) {
        self.0[usize::from(low)..=usize::from(high)].fill(true);
    }

    /// Adds the other case of each letter.
    fn fold_case(&mut self) {
        for letter in b'a'..=b'z' {
            let upper = usize::from(letter.to_ascii_uppercase());
            let either = self.0[usize::from(letter)] || self.0[upper];
            self.0[usize::from(letter)] = either;
            self.0[upper] = either;
        }
    }

    /// Appends it as a class of ranges.
    fn compose(&self, out: &mut String) {
        if !self.0.contains(&true) {
            out.push_str(r"[^\x00-\xff]");
            return;
        }
        out.push('[');
        let mut members = (0..=u8::MAX).filter(|byte| self.0[usize::from(*byte)]).peekable();
        while let Some(low) = members.next() {
            let mut high = low;
            while let Some(next) = members.next_if(|next| *next == high + 1) {
                high = next;
            }
            push_byte(out, low);
            if high > low {
                out.push('-');
                push_byte(out, high);
            }
        }
        out.push(']');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Flags for patterns whose case and lines matter.
    const EXACT: PatternFlags = PatternFlags { ignore_case: false, newline_sensitive: true };

    /// The text that `pattern` matches first in `input`.
    fn found<'i>(pattern: &str, input: &'i [u8], flags: PatternFlags) -> Option<&'i [u8]> {
        let regex = compile_pattern(pattern.as_bytes(), flags)
            .unwrap_or_else(|message| panic!("{pattern}: {message}"));
        regex.find(input).map(|found| found.as_bytes())
    }

    #[test]
    fn patterns_match_as_posix_says() {
        for (pattern, input, expected) in [
            ("^[[:alpha:]]+$", "alice", Some("alice")),
            ("[[:digit:]]", "alice", None),
            ("[[:digit:][:space:]]+", "a1 2b", Some("1 2")),
            (r"a\.b", "axb a.b", Some("a.b")),
            (r"[\.]", "a\\b", Some("\\")),
            (r"[a\]b]", "a]b]", None),
            (r"[a\]]", "a]", Some("a]")),
            ("[]x]+", "a]x]", Some("]x]")),
            ("[^]x]+", "]a]", Some("a")),
            ("[a-]+", "b-a", Some("-a")),
            ("[-a]+", "b-a", Some("-a")),
            ("[[.-.]a]+", "b-a", Some("-a")),
            ("[[=a=]]+", "baab", Some("aa")),
            ("[[]", "a[b", Some("[")),
            ("[&&~~-]+", "a&~-b", Some("&~-")),
            ("a{2}", "aaa", Some("aa")),
            ("a{,2}b", "aaab", Some("aab")),
            ("a{2,}", "aaa", Some("aaa")),
            ("a{b}", "a{b}", Some("a{b}")),
            ("{", "a{b", Some("{")),
            ("a{1,2", "a{1,2", Some("a{1,2")),
            ("a}", "a}", Some("a}")),
            ("a)", "a)", Some("a)")),
            ("x(|a)y", "xy", Some("xy")),
            ("^(a|)$", "", Some("")),
            ("a+?", "aaa", Some("aaa")),
            ("(ab)*?", "abab", Some("abab")),
            (r"\<bob\>", "abob bob", Some("bob")),
            (r"\bbob\b", "abob bob.", Some("bob")),
            (r"\w+", "--ab_1--", Some("ab_1")),
            (r"\d", "1d", Some("d")),
            (r"\/", "a/b", Some("/")),
            ("a#b c", "a#b c", Some("a#b c")),
        ] {
            let got = found(pattern, input.as_bytes(), EXACT);
            assert_eq!(got, expected.map(str::as_bytes), "{pattern} in {input:?}");
        }
    }

    #[test]
    fn operator_ignores_case_and_takes_newlines_as_ordinary() {
        for (pattern, input, matches) in [
            ("ALICE", "alice", true),
            ("^[A-E]l", "alice", true),
            ("a.b", "a\nb", true),
            ("a[^x]b", "a\nb", true),
            ("^b", "a\nb", false),
            ("a$", "a\nb", false),
            ("[^A]", "aA", false),
            ("[[:upper:]]", "a", true),
        ] {
            let got = found(pattern, input.as_bytes(), PatternFlags::OPERATOR).is_some();
            assert_eq!(got, matches, "{pattern} in {input:?}");
        }
    }

    #[test]
    fn textops_patterns_stop_at_line_ends() {
        let message = b"Subject: hello world!\r\nTo: b\r\n\r\na=x\n";
        for (pattern, expected) in [
            ("^subject: .*", Some(&b"Subject: hello world!\r"[..])),
            ("^to: b$", Some(b"To: b")),
            ("^ubject", None),
            ("^a=x$", Some(b"a=x")),
            ("l[^z]*$", Some(b"llo world!\r")),
            ("world.*to", None),
            ("world!\r\nto", Some(b"world!\r\nTo")),
        ] {
            assert_eq!(found(pattern, message, PatternFlags::TEXTOPS), expected, "{pattern}");
        }
    }

    #[test]
    fn seed_domain_regex_accepts_own_names_only() {
        let pattern = r"^sip:(.+@)?(192\.168\.0\.10|(sip\.)?foo\.bar)([:;\?].*)?$";
        for (uri, matches) in [
            ("sip:foo.bar", true),
            ("sip:a@FOO.BAR", true),
            ("sip:a@sip.foo.bar", true),
            ("sip:x@192.168.0.10:5060", true),
            ("sip:a@foo.bar;transport=udp", true),
            ("sip:a@foo.bar?Subject=x", true),
            ("sip:192.168.0.101", false),
            ("sip:a@foo.bar.otherdomain.com", false),
            ("sip:a@192x168.0.10", false),
            ("sips:a@foo.bar", false),
        ] {
            let got = found(pattern, uri.as_bytes(), PatternFlags::OPERATOR).is_some();
            assert_eq!(got, matches, "{uri}");
        }
    }

    #[test]
    fn seed_private_contact_regex_looks_at_the_contact_line_only() {
        let pattern = r"^(Contact|m): .*@(192\.168\.|10\.|172\.16)";
        for (line, matches) in [
            ("Contact: <sip:x@192.168.1.2>\r\n", true),
            ("m: \"n\" <sip:x@10.1.1.1>\r\n", true),
            ("Contact: <sip:192.168.1.1@1.2.3.4>\r\n", false),
            ("Contact: <sip:x@1.2.3.4>\r\nTo: <sip:y@10.0.0.1>\r\n", false),
            ("X-Contact: <sip:x@10.1.1.1>\r\n", false),
        ] {
            let text = format!("INVITE sip:a@10.0.0.9 SIP/2.0\r\n{line}\r\n");
            let got = found(pattern, text.as_bytes(), PatternFlags::TEXTOPS).is_some();
            assert_eq!(got, matches, "{line}");
        }
    }

    #[test]
    fn bytes_outside_of_utf8_are_ordinary() {
        let regex = compile_pattern(b"^\xe9[\xe0-\xff]$", EXACT).unwrap();
        assert!(regex.is_match(b"\xe9\xe1"));
        assert!(!regex.is_match(b"\xe9a"));
        assert!(compile_pattern(b"a\0b", EXACT).unwrap().is_match(b"xa\0b"));
    }

    #[test]
    fn broken_patterns_are_refused_with_a_reason() {
        for (pattern, word) in [
            ("(a", "closed"),
            ("[a", "closed"),
            ("[]", "closed"),
            ("[[:no:]]", "class"),
            ("[b-a]", "backwards"),
            (r"(a)\1", "back-references"),
            ("a\\", "backslash"),
            ("*a", "repeats nothing"),
            ("(?:a)", "repeats nothing"),
            ("a{3,2}", "above"),
            ("a{99999}", "too large"),
            ("((a{1000}){1000}){1000}", "too large"),
        ] {
            let message = compile_pattern(pattern.as_bytes(), EXACT).expect_err(pattern);
            assert!(message.contains(word), "{pattern}: {message}");
        }
        assert!(compile_pattern(&b"(".repeat(100_000), EXACT).is_err());
        let nested = [b"(".repeat(10_000), b")".repeat(10_000)].concat();
        assert!(compile_pattern(&nested, EXACT).is_err());
    }
}
