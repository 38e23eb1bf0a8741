//! Reading templates.

use super::{Field, Piece, Template, keyword};
use crate::scenario::{Names, Problem, What};

impl Template {
    /// Reads a message as SIPp has it: blank lines in front and behind are skipped, white space
    /// around lines too, lines end with CR LF, and a head without a body gets its blank line.
    /// `at` is the place of `text` in its file.
    ///
    /// # Errors
    ///
    /// All keywords that there are none of.
    pub fn parse(text: &str, at: usize, names: &mut Names<'_>) -> Result<Self, Vec<Problem>> {
        let mut builder = Builder::default();
        let mut lines = trimmed_lines(text).skip_while(|(_, line)| line.is_empty()).peekable();
        let mut blanks = 0;
        for (offset, line) in lines.by_ref() {
            if line.is_empty() {
                blanks += 1;
                continue;
            }
            // Only blank lines between others count.
            (0..blanks).for_each(|_| builder.blank_line());
            blanks = 0;
            builder.line(line, at + offset, names);
        }
        if builder.body.is_none() {
            builder.blank_line();
        }
        builder.finish()
    }

    /// Reads the text of an action, where white space counts.
    ///
    /// # Errors
    ///
    /// All keywords that there are none of.
    pub fn parse_line(text: &str, at: usize, names: &mut Names<'_>) -> Result<Self, Vec<Problem>> {
        let mut builder = Builder::default();
        let parts = builder.parts(text, at, names);
        builder.append(parts);
        builder.finish()
    }

    /// What the message is; none if its first line does not begin with a method or with a
    /// version and a status code that are written out.
    #[must_use]
    pub fn what(&self) -> Option<What> {
        let Some(Piece::Literal(start, end)) = self.pieces.first() else { return None };
        let text = self.literals.get(*start as usize..*end as usize)?;
        let line = text.split(|byte| *byte == b'\r').next()?;
        let line = std::str::from_utf8(line).ok()?;
        let (first, rest) = line.split_once(' ')?;
        if first == "SIP/2.0" {
            let code = rest.split(' ').next()?.parse().ok();
            return code.filter(|code| (100..700).contains(code)).map(What::Response);
        }
        let is_method = !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_graphic());
        is_method.then(|| What::Request(first.to_owned()))
    }
}

/// Lines without the white space around them, each with its place.
fn trimmed_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut start = 0;
    text.split('\n').map(move |line| {
        let trimmed = line.trim_start_matches([' ', '\t']);
        let place = start + line.len() - trimmed.len();
        start += line.len() + 1;
        (place, trimmed.trim_end_matches([' ', '\t', '\r']))
    })
}

/// A part of a line.
enum Part {
    /// Stands there as it is.
    Text(Vec<u8>),
    /// A keyword.
    Field(Field),
}

/// A template that is being read.
#[derive(Default)]
struct Builder {
    template: Template,
    /// Position of the first piece of the body, when it is known.
    body: Option<usize>,
    problems: Vec<Problem>,
}

impl Builder {
    /// The template, or what is wrong with it.
    fn finish(mut self) -> Result<Template, Vec<Problem>> {
        self.template.body = self.body.unwrap_or(self.template.pieces.len());
        let is_length = |piece: &Piece| matches!(piece, Piece::Field(Field::BodyLength(_)));
        self.template.has_length = self.template.pieces.iter().any(is_length);
        if self.problems.is_empty() { Ok(self.template) } else { Err(self.problems) }
    }

    /// Appends a blank line; the first one ends the head.
    fn blank_line(&mut self) {
        self.literal(b"\r\n");
        self.body.get_or_insert(self.template.pieces.len());
    }

    /// Appends a line.
    fn line(&mut self, line: &str, at: usize, names: &mut Names<'_>) {
        let parts = self.parts(line, at, names);
        let may_vanish = self.may_vanish(&parts);
        if may_vanish {
            self.template.pieces.push(Piece::LineStart);
        }
        self.append(parts);
        if may_vanish {
            self.template.pieces.push(Piece::LineEnd);
        } else {
            self.literal(b"\r\n");
        }
    }

    /// Whether nothing may be left of a line, so that it is not to be sent at all.
    fn may_vanish(&self, parts: &[Part]) -> bool {
        let has_last = parts.iter().any(|part| matches!(part, Part::Field(Field::Last(_))));
        // A blank line would end the head; in a body it is what the author wants.
        let may_be_empty = parts.iter().all(|part| {
            let Part::Field(field) = part else { return false };
            matches!(
                field,
                Field::Routes | Field::Variable(_) | Field::Injected(..) | Field::PeerTagParam
            )
        });
        has_last || self.body.is_none() && may_be_empty
    }

    /// Appends parts.
    fn append(&mut self, parts: Vec<Part>) {
        for part in parts {
            match part {
                Part::Text(text) => self.literal(&text),
                Part::Field(field) => self.template.pieces.push(Piece::Field(field)),
            }
        }
    }

    /// Appends to the literal before, if there is one in this part of the message.
    fn literal(&mut self, text: &[u8]) {
        let position = |length| u32::try_from(length).unwrap_or(u32::MAX);
        let start = position(self.template.literals.len());
        self.template.literals.extend_from_slice(text);
        let end = position(self.template.literals.len());
        let is_first_of_body = self.body == Some(self.template.pieces.len());
        match self.template.pieces.last_mut() {
            Some(Piece::Literal(_, last)) if !is_first_of_body => *last = end,
            _ => self.template.pieces.push(Piece::Literal(start, end)),
        }
    }

    /// Splits a line into texts and fields.
    fn parts(&mut self, line: &str, at: usize, names: &mut Names<'_>) -> Vec<Part> {
        let mut parts = Vec::new();
        let mut rest = line;
        while let Some(open) = rest.find('[') {
            // Of several opening brackets the last one begins the keyword.
            let Some(close) = find_unquoted(&rest[open..], ']').map(|close| open + close) else {
                let place = at + line.len() - rest.len() + open;
                self.problems.push(Problem::new(place, "[ without ]; write \\x5B for the letter"));
                break;
            };
            let mut open = open;
            while let Some(next) = find_unquoted(&rest[open + 1..close], '[') {
                open += 1 + next;
            }
            push_text(&mut parts, &rest[..open]);
            let place = at + line.len() - rest.len() + open;
            match keyword::field(&rest[open + 1..close], place, names) {
                Ok(field) => parts.push(Part::Field(field)),
                Err(message) => self.problems.push(Problem::new(place, message)),
            }
            rest = &rest[close + 1..];
        }
        push_text(&mut parts, rest);
        parts
    }
}

/// Finds a letter that does not stand in quotes.
fn find_unquoted(text: &str, wanted: char) -> Option<usize> {
    let mut quoted = false;
    let found = text.char_indices().find(|(_, letter)| {
        quoted ^= *letter == '"';
        !quoted && *letter == wanted
    });
    found.map(|(place, _)| place)
}

/// Appends a text if it is not empty; `\xHH` is a byte.
fn push_text(parts: &mut Vec<Part>, text: &str) {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(escape) = rest.find("\\x") {
        bytes.extend_from_slice(&rest.as_bytes()[..escape]);
        let digits = rest.get(escape + 2..escape + 4);
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &rest[escape + 4..];
            }
            None => {
                bytes.extend_from_slice(b"\\x");
                rest = &rest[escape + 2..];
            }
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    if !bytes.is_empty() {
        parts.push(Part::Text(bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a template.
    fn parse(text: &str) -> Template {
        Template::parse(text, 0, &mut Names::default()).unwrap()
    }

    /// The pieces as text: fields in braces, lines that may vanish between `^` and `$`.
    fn show(template: &Template, pieces: &[Piece]) -> String {
        let one = |piece: &Piece| match piece {
            Piece::Literal(start, end) => {
                let text = &template.literals[*start as usize..*end as usize];
                String::from_utf8_lossy(text).into_owned()
            }
            Piece::Field(field) => format!("{{{field:?}}}"),
            Piece::LineStart => "^".to_owned(),
            Piece::LineEnd => "$".to_owned(),
        };
        pieces.iter().map(one).collect()
    }

    /// Head and body of a template as text.
    fn shown(text: &str) -> (String, String) {
        let template = parse(text);
        let (head, body) = template.pieces.split_at(template.body);
        (show(&template, head), show(&template, body))
    }

    #[test]
    fn white_space_around_lines_is_skipped_and_lines_end_with_cr_lf() {
        let (head, body) = shown("\n\n   ACK sip:a SIP/2.0  \r\n\t Call-ID: [call_id]\n\n   ");
        assert_eq!(head, "ACK sip:a SIP/2.0\r\nCall-ID: {CallId}\r\n\r\n");
        assert_eq!(body, "");
    }

    #[test]
    fn the_body_begins_behind_the_blank_line() {
        let text =
            "\nINVITE sip:a SIP/2.0\n  Content-Length: [len]\n\n  v=0\n  s=-\n\n   a=x\n\n\n";
        let template = parse(text);
        assert!(template.has_length);
        let (head, body) = shown(text);
        assert_eq!(head, "INVITE sip:a SIP/2.0\r\nContent-Length: {BodyLength(0)}\r\n\r\n");
        assert_eq!(body, "v=0\r\ns=-\r\n\r\na=x\r\n");
    }

    #[test]
    fn neighbouring_literals_are_one() {
        let template = parse("OPTIONS sip:a SIP/2.0\nTo: b\nCSeq: 1 OPTIONS\n\nbody\nmore");
        assert_eq!(template.pieces.len(), 2);
        assert_eq!(template.body, 1);
    }

    #[test]
    fn only_lines_that_may_vanish_are_marked() {
        let mut names = Names::default();
        names.set("x");
        let text = "SIP/2.0 200 OK\n[routes]\n[last_Via:]\n[last_To:];tag=1\nX: [$x]\n[$x]\n\n[$x]";
        let template = Template::parse(text, 0, &mut names).unwrap();
        let marks = |piece: &&Piece| matches!(piece, Piece::LineStart);
        assert_eq!(template.pieces.iter().filter(marks).count(), 4);
        let (head, body) = template.pieces.split_at(template.body);
        let head = show(&template, head);
        assert!(head.contains("^{Routes}$^{Last("), "{head}");
        assert!(head.contains(";tag=1$X: {Variable(0)}\r\n^{Variable(0)}$\r\n"), "{head}");
        assert_eq!(show(&template, body), "{Variable(0)}\r\n");
    }

    #[test]
    fn keywords_are_fields() {
        let cases = [
            ("[cseq+1]", "{Cseq(1)}"),
            ("[len-2]", "{BodyLength(-2)}"),
            ("[media_port+2]", "{MediaPort(2)}"),
            ("[auto_media_port]", "{MediaPort(0)}"),
            ("[branch]", "{Branch(0)}"),
            ("[branch-2]", "{Branch(2)}"),
            ("[last_cseq_number+1]", "{LastCseqNumber(1)}"),
            ("[last_Call-ID]", "{Last(LastHeader { name: \"Call-ID\", whole_line: false })}"),
            ("[media_ip_type]", "{LocalIpType}"),
            ("[2001:[service]]", "[2001:{Service}]"),
            ("\\x5Bservice\\x5d", "[service]"),
        ];
        for (text, expected) in cases {
            let template = Template::parse_line(text, 0, &mut Names::default()).unwrap();
            assert_eq!(show(&template, &template.pieces), expected, "{text}");
        }
    }

    #[test]
    fn fields_of_injection_files_are_found_by_name() {
        let file = |name: &str| crate::scenario::Injection::parse("RANDOM\na;b", name).unwrap();
        let files = [file("a.csv"), file("dir/b.csv")];
        let mut names = Names::new(&files);
        let text = "[field0] [field1 file=\"b.csv\"] [field1 file=a.csv]";
        let template = Template::parse_line(text, 0, &mut names).unwrap();
        let shown = show(&template, &template.pieces);
        assert_eq!(shown, "{Injected(0, 0)} {Injected(1, 1)} {Injected(0, 1)}");
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let text = "A sip:b SIP/2.0\n  X: [authentication username=a]\n  Y: [foo] [service+1] [x";
        let problems = Template::parse(text, 100, &mut Names::default()).unwrap_err();
        let shown: Vec<_> = problems.iter().map(|one| (one.at, one.message.as_str())).collect();
        assert_eq!(
            shown,
            [
                (121, "keyword [authentication] is not supported"),
                (154, "keyword [foo] is unknown"),
                (160, "keyword [service] takes no + or -: [service+1]"),
                (172, "[ without ]; write \\x5B for the letter"),
            ]
        );
    }

    #[test]
    fn a_message_is_known_by_its_first_line() {
        let what = |text| parse(text).what();
        assert_eq!(what("BYE [next_url] SIP/2.0"), Some(What::Request("BYE".to_owned())));
        assert_eq!(what("SIP/2.0 486 Busy Here"), Some(What::Response(486)));
        assert_eq!(what("SIP/2.0 99 What"), None);
        assert_eq!(what("[service] sip:a SIP/2.0"), None);
    }
}
