//! The language of `*.flow` files. `docs/TESTING.md` tells it to users.
//!
//! ```text
//! file      = { setup | case }
//! setup     = script FILE | listen ADDRESS | peer NAME ADDRESS | host NAME ADDRESS | register ...
//! case      = "case" TITLE, then indented steps
//! step      = register | let | send | expect | elapse
//! send, expect: the message follows, indented deeper; an empty line is before its body
//! ```

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use super::stage::Hosts;
use super::template::Template;
use crate::script::{Diagnostic, SourceMap, Span, nearest};

/// A file of cases.
#[derive(Clone, Debug, Default)]
pub struct Flow {
    /// Its text.
    pub map: SourceMap,
    /// The script, as it is named; none: the built-in one.
    pub script: Option<PathBuf>,
    /// The cases, in order.
    pub cases: Vec<Case>,
    pub(super) listen: Vec<SocketAddr>,
    pub(super) peers: Vec<Peer>,
    pub(super) hosts: Hosts,
    /// What is registered in each case.
    pub(super) registrations: Vec<Step>,
}

/// A case.
#[derive(Clone, Debug)]
pub struct Case {
    /// What is true if it passes.
    pub title: String,
    /// Where it begins.
    pub span: Span,
    pub(super) steps: Vec<Step>,
}

/// Someone who sends and receives.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) name: String,
    pub(super) address: SocketAddr,
}

/// A step of a case.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) span: Span,
    pub(super) kind: StepKind,
}

/// What is done in a step.
#[derive(Clone, Debug)]
pub(super) enum StepKind {
    /// Time passes (milliseconds).
    Elapse(u64),
    /// A peer must have got a message.
    Expect(Expectation),
    /// The script must have logged such a line.
    ExpectLog(Template),
    /// Nothing may have been sent.
    ExpectNothing,
    /// A variable gets a value.
    Let(String, Template),
    /// A contact is registered in a table.
    Register { table: String, aor: Template, contact: Template },
    /// A peer sends a message.
    Send { peer: Peer, to: Option<SocketAddr>, what: Sending },
}

/// What a peer must have got.
#[derive(Clone, Debug)]
pub(super) struct Expectation {
    pub(super) peer: Peer,
    /// The address of the server that it came from.
    pub(super) from: Option<SocketAddr>,
    /// Whether nothing else may have been sent before it.
    pub(super) is_next: bool,
    /// The message; none: any.
    pub(super) message: Option<Block>,
}

/// What a peer sends.
#[derive(Clone, Debug)]
pub(super) enum Sending {
    /// What it sent last.
    Again,
    /// A message to which the usual header fields are added.
    Message(Block),
    /// These lines and nothing else.
    Raw(Vec<Template>),
}

/// A message as it is written in a flow.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) start: Template,
    pub(super) fields: Vec<FieldLine>,
    /// The lines of the body, if it has one.
    pub(super) body: Option<Vec<Template>>,
}

/// A header line as it is written in a flow.
#[derive(Clone, Debug)]
pub(super) struct FieldLine {
    pub(super) name: String,
    /// The value; none of a line `!Name`: there is no such field, or no more of them.
    pub(super) value: Option<Template>,
}

impl Flow {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// All that is wrong with it, and its text.
    pub fn parse(name: &Path, text: &[u8]) -> Result<Self, (Vec<Diagnostic>, SourceMap)> {
        let mut flow = Self::default();
        flow.map.add(name.to_owned(), text.to_vec());
        let mut problems = Vec::new();
        match std::str::from_utf8(text) {
            Ok(text) => {
                let mut parser = Parser { flow, problems, known: Vec::new() };
                parser.file(&lines(text));
                (flow, problems) = (parser.flow, parser.problems);
            }
            Err(error) => {
                let at = span(error.valid_up_to(), 1);
                problems.push(Diagnostic::error(MALFORMED, at, "this is no text in UTF-8"));
            }
        }
        if problems.is_empty() { Ok(flow) } else { Err((problems, flow.map)) }
    }
}

/// A word that has no meaning where it stands.
const UNKNOWN: &str = "F001";
/// Something is missing, or not as it must be.
const MALFORMED: &str = "F002";
/// There is no peer of that name, or there are two.
const PEER: &str = "F003";
/// A line of a message is malformed.
const MESSAGE: &str = "F004";
/// A variable has no value where it is used.
const VARIABLE: &str = "F005";

/// A line of the file, without the white space around it.
#[derive(Clone, Copy, Debug)]
struct Line<'t> {
    /// Where its first character is.
    start: usize,
    /// How many characters stand before that.
    indent: usize,
    text: &'t str,
    /// The line with its indent.
    whole: &'t str,
}

/// The lines of a text.
fn lines(text: &str) -> Vec<Line<'_>> {
    let mut start = 0;
    text.split('\n')
        .map(|whole| {
            let trimmed = whole.trim_ascii_start();
            let (indent, text) = (whole.len() - trimmed.len(), trimmed.trim_ascii_end());
            let found = Line { start: start + indent, indent, text, whole };
            start += whole.len() + 1;
            found
        })
        .collect()
}

impl Line<'_> {
    /// Whether there is nothing on it.
    const fn is_blank(&self) -> bool {
        self.text.is_empty()
    }

    /// Whether it is for people only.
    fn is_comment(&self) -> bool {
        self.text.is_empty() || self.text.starts_with('#')
    }

    /// Where it is.
    fn span(&self) -> Span {
        span(self.start, self.text.len())
    }
}

/// The words of a line that were not read yet.
#[derive(Clone, Copy, Debug)]
struct Words<'t> {
    start: usize,
    rest: &'t str,
}

impl<'t> Words<'t> {
    /// The next word, if there is one.
    fn next(&mut self) -> Option<(&'t str, Span)> {
        let length = self.rest.find(|c: char| c.is_ascii_whitespace()).unwrap_or(self.rest.len());
        let (word, at) = (&self.rest[..length], self.start);
        let rest = self.rest[length..].trim_ascii_start();
        self.start += self.rest.len() - rest.len();
        self.rest = rest;
        (!word.is_empty()).then(|| (word, span(at, length)))
    }

    /// The rest of the line; where it ends if there is none.
    fn rest(&self) -> (&'t str, Span) {
        (self.rest, span(self.start, self.rest.len()))
    }
}

/// Bytes of the text.
fn span(start: usize, length: usize) -> Span {
    let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Span { start: offset(start), end: offset(start + length) }
}

/// The state of reading a file.
struct Parser {
    flow: Flow,
    problems: Vec<Diagnostic>,
    /// The variables that have a value at this place of the case.
    known: Vec<String>,
}

impl Parser {
    /// Reads the file.
    fn file(&mut self, lines: &[Line<'_>]) {
        let mut rest = lines;
        while let Some((line, behind)) = rest.split_first() {
            rest = behind;
            if line.is_comment() {
                continue;
            }
            let words = Words { start: line.start, rest: line.text };
            if line.indent == 0 {
                self.top(words);
                continue;
            }
            let length = block_length(behind, line.indent);
            let (block, behind) = behind.split_at(length);
            rest = behind;
            let step = self.step(words, block);
            match (self.flow.cases.last_mut(), step) {
                (Some(case), Some(step)) => case.steps.push(step),
                (None, Some(_)) => {
                    let message = "a step belongs to a case: there is none before it";
                    self.error(MALFORMED, line.span(), message);
                }
                (_, None) => {}
            }
        }
        if self.flow.cases.is_empty() && self.problems.is_empty() {
            self.error(MALFORMED, span(0, 0), "there is no case in this file").help =
                Some("add `case what is true if it passes`".to_owned());
        }
    }

    /// Reads a line that is not indented.
    fn top(&mut self, mut words: Words<'_>) {
        let Some((word, at)) = words.next() else { return };
        let (rest, rest_at) = words.rest();
        if rest.is_empty() && TOP_WORDS.contains(&word) {
            self.error(MALFORMED, at, format!("`{word}` lacks what it is about"));
            return;
        }
        match word {
            "case" => {
                let title = rest.trim_matches('"').to_owned();
                self.flow.cases.push(Case { title, span: rest_at, steps: Vec::new() });
                self.known = self.flow.peers.iter().map(|peer| peer.name.clone()).collect();
                self.known.push(SERVER.to_owned());
            }
            "script" => self.flow.script = Some(rest.trim_matches('"').into()),
            "listen" => {
                if let Some((word, at)) = words.next() {
                    let address = self.address(word, at);
                    self.flow.listen.extend(address);
                }
                self.end(words);
            }
            "peer" => self.peer(words),
            "host" => self.host(words),
            "register" => {
                self.known = self.flow.peers.iter().map(|peer| peer.name.clone()).collect();
                self.known.push(SERVER.to_owned());
                let kind = self.register(words);
                let step = kind.map(|kind| Step { span: at, kind });
                self.flow.registrations.extend(step);
            }
            other if STEP_WORDS.contains(&other) => {
                let message = format!("`{other}` is a step of a case: indent it");
                self.error(MALFORMED, at, message);
            }
            other => self.unknown(other, at, TOP_WORDS),
        }
    }

    /// Reads `peer NAME ADDRESS`.
    fn peer(&mut self, mut words: Words<'_>) {
        let (Some((name, at)), Some((address, address_at))) = (words.next(), words.next()) else {
            let at = words.rest().1;
            self.error(MALFORMED, at, "a peer is written `peer NAME ADDRESS:PORT`");
            return;
        };
        if !is_name(name) || KEPT_NAMES.contains(&name) {
            self.error(PEER, at, format!("`{name}` cannot be the name of a peer")).help =
                Some("a name is made of letters, digits and `_`".to_owned());
        } else if self.flow.peers.iter().any(|peer| peer.name == name) {
            self.error(PEER, at, format!("there is a peer `{name}` already"));
        } else if let Some(address) = self.address(address, address_at) {
            self.flow.peers.push(Peer { name: name.to_owned(), address });
        }
        self.end(words);
    }

    /// Reads `host NAME ADDRESS`.
    fn host(&mut self, mut words: Words<'_>) {
        let (Some((name, _)), Some((address, at))) = (words.next(), words.next()) else {
            let at = words.rest().1;
            self.error(MALFORMED, at, "a host is written `host NAME ADDRESS`");
            return;
        };
        match address.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(ip) => self.flow.hosts.push((name.to_owned(), ip)),
            Err(_) => {
                self.error(MALFORMED, at, format!("`{address}` is no address"));
            }
        }
        self.end(words);
    }

    /// Reads a step.
    fn step(&mut self, mut words: Words<'_>, block: &[Line<'_>]) -> Option<Step> {
        let (word, at) = words.next()?;
        let takes_block = matches!(word, "send" | "expect");
        if let Some(line) = block.iter().find(|line| !line.is_comment()).filter(|_| !takes_block) {
            self.error(MALFORMED, line.span(), format!("`{word}` is not followed by a message"));
        }
        let kind = match word {
            "elapse" => self.elapse(words),
            "expect" => self.expect(words, block),
            "let" => self.assign(words),
            "register" => self.register(words),
            "send" => self.send(words, block),
            other => {
                self.unknown(other, at, STEP_WORDS);
                None
            }
        };
        kind.map(|kind| Step { span: at, kind })
    }

    /// Reads `elapse 30s`.
    fn elapse(&mut self, mut words: Words<'_>) -> Option<StepKind> {
        let (text, at) = words.next().unwrap_or(("", words.rest().1));
        self.end(words);
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let unit_ms: Option<u64> = match &text[digits.len()..] {
            "ms" => Some(1),
            "s" => Some(1_000),
            "m" | "min" => Some(60_000),
            "h" => Some(3_600_000),
            _ => None,
        };
        let time = digits.parse().ok().zip(unit_ms);
        let time = time.and_then(|(number, unit_ms): (u64, u64)| number.checked_mul(unit_ms));
        match time.filter(|time| *time <= ELAPSE_MS_MAX) {
            Some(time) => Some(StepKind::Elapse(time)),
            None => {
                let message = "a time is written as `500ms`, `30s`, `5m` or `1h`, a day at most";
                self.error(MALFORMED, at, message);
                None
            }
        }
    }

    /// Reads `let $name = text`.
    fn assign(&mut self, mut words: Words<'_>) -> Option<StepKind> {
        let name = words.next().and_then(|(word, _)| word.strip_prefix('$'));
        let equals = words.next();
        let (text, at) = words.rest();
        match (name.filter(|name| is_name(name)), equals) {
            (Some(name), Some(("=", _))) => {
                let value = self.filled(text, at.start as usize)?;
                self.known.push(name.to_owned());
                Some(StepKind::Let(name.to_owned(), value))
            }
            _ => {
                self.error(MALFORMED, at, "a variable is set by `let $name = text`");
                None
            }
        }
    }

    /// Reads `register [in TABLE] AOR CONTACT`.
    fn register(&mut self, mut words: Words<'_>) -> Option<StepKind> {
        let mut table = "location";
        let mut aor = words.next();
        if let Some(("in", _)) = aor {
            table = words.next().map_or("", |(word, _)| word);
            aor = words.next();
        }
        let (contact, at) = words.rest();
        let Some((aor, aor_at)) = aor.filter(|_| !contact.is_empty()) else {
            let message = "a contact is registered by `register sip:user@host CONTACT`";
            self.error(MALFORMED, at, message);
            return None;
        };
        Some(StepKind::Register {
            table: table.to_owned(),
            aor: self.filled(aor, aor_at.start as usize)?,
            contact: self.filled(contact, at.start as usize)?,
        })
    }

    /// Reads `send PEER [to ADDRESS] [again | raw]` and the message.
    fn send(&mut self, mut words: Words<'_>, block: &[Line<'_>]) -> Option<StepKind> {
        let peer = self.named_peer(&mut words)?;
        let (mut to, mut mode) = (None, "");
        while let Some((word, at)) = words.next() {
            match word {
                "to" => to = self.address_word(&mut words),
                "again" | "raw" => mode = word,
                other => self.unknown(other, at, &["to", "again", "raw"]),
            }
        }
        let block = self.block_lines(block);
        let end = words.rest().1;
        let what = match mode {
            "again" => {
                if let Some((start, _)) = block.first() {
                    let message = "`again` sends the last message of the peer: none follows";
                    self.error(MALFORMED, span(*start, 1), message);
                }
                Sending::Again
            }
            "raw" => {
                let lines = block.iter().map(|(start, text)| self.filled(text, *start));
                Sending::Raw(lines.collect::<Option<_>>()?)
            }
            _ if block.is_empty() => {
                let message = "what is sent is missing: write it in the next lines, indented";
                self.error(MALFORMED, end, message);
                return None;
            }
            _ => Sending::Message(self.block(&block, false)?),
        };
        Some(StepKind::Send { peer, to, what })
    }

    /// Reads `expect PEER [from ADDRESS] [next]` and the message, `expect log` or
    /// `expect nothing`.
    fn expect(&mut self, mut words: Words<'_>, block: &[Line<'_>]) -> Option<StepKind> {
        let mut ahead = words;
        let special = ahead.next().map(|(word, _)| word).filter(|word| KEPT_NAMES.contains(word));
        let block = self.block_lines(block);
        if let Some(special) = special {
            if let Some((start, _)) = block.first() {
                let message = format!("`expect {special}` is not followed by a message");
                self.error(MALFORMED, span(*start, 1), message);
            }
            let (text, at) = ahead.rest();
            if special == "log" {
                return Some(StepKind::ExpectLog(self.pattern(text, at.start as usize)?));
            }
            self.end(ahead);
            return Some(StepKind::ExpectNothing);
        }
        let peer = self.any_peer(&mut words)?;
        let (mut from, mut is_next) = (None, false);
        while let Some((word, at)) = words.next() {
            match word {
                "from" => from = self.address_word(&mut words),
                "next" => is_next = true,
                other => self.unknown(other, at, &["from", "next"]),
            }
        }
        let message = if block.is_empty() { None } else { Some(self.block(&block, true)?) };
        Some(StepKind::Expect(Expectation { peer, from, is_next, message }))
    }

    /// The lines of a message with the indent of the first one taken off, and where they start.
    fn block_lines<'t>(&mut self, block: &[Line<'t>]) -> Vec<(usize, &'t str)> {
        let base = block.first().map_or(0, |line| line.indent);
        let mut lines = Vec::new();
        for line in block {
            if line.is_blank() {
                lines.push((line.start, ""));
            } else if line.indent < base {
                let message = "this line is indented less than the first line of the message";
                self.error(MESSAGE, line.span(), message);
            } else {
                let text = line.whole.strip_suffix('\r').unwrap_or(line.whole);
                lines.push((line.start - line.indent + base, &text[base..]));
            }
        }
        lines
    }

    /// Reads a message; `wild` if it is one that is expected.
    fn block(&mut self, lines: &[(usize, &str)], wild: bool) -> Option<Block> {
        let is_comment = |(_, text): &&(usize, &str)| text.starts_with('#');
        let head = lines.iter().position(|(_, text)| text.is_empty()).unwrap_or(lines.len());
        let (head, behind) = lines.split_at(head);
        let head: Vec<(usize, &str)> =
            head.iter().filter(|line| !is_comment(line)).copied().collect();
        let (&(start, first), rest) = head.split_first()?;
        let start = self.template(first, start, wild)?;
        let mut folded: Vec<(usize, String)> = Vec::new();
        for (start, text) in rest {
            match folded.last_mut() {
                Some((_, last)) if text.starts_with([' ', '\t']) => {
                    last.push_str(if wild { " " } else { "\\r\\n" });
                    last.push_str(if wild { text.trim_ascii() } else { text });
                }
                _ => folded.push((*start, (*text).to_owned())),
            }
        }
        let fields = folded.iter().map(|(start, text)| self.field(text, *start, wild));
        let fields: Vec<Option<FieldLine>> = fields.collect();
        let body = behind.get(1..).map(|lines| {
            let lines = lines.iter().map(|(start, text)| self.template(text, *start, wild));
            lines.collect::<Vec<Option<Template>>>()
        });
        let body = match body {
            Some(lines) => Some(lines.into_iter().collect::<Option<Vec<Template>>>()?),
            None => None,
        };
        Some(Block { start, fields: fields.into_iter().collect::<Option<_>>()?, body })
    }

    /// Reads a header line: `Name: value` or `!Name`.
    fn field(&mut self, text: &str, start: usize, wild: bool) -> Option<FieldLine> {
        if let Some(name) = text.strip_prefix('!') {
            let name = name.trim_end_matches(':').to_owned();
            return Some(FieldLine { name, value: None });
        }
        let Some((name, value)) = text.split_once(':').filter(|(name, _)| !name.trim().is_empty())
        else {
            let message = "a header line is written `Name: value`, or `!Name` for none";
            self.error(MESSAGE, span(start, text.len()), message);
            return None;
        };
        let trimmed = value.trim_ascii_start();
        let value_start = start + text.len() - trimmed.len();
        let value = self.template(trimmed, value_start, wild)?;
        Some(FieldLine { name: name.trim().to_owned(), value: Some(value) })
    }

    /// Reads a text that is sent or expected.
    fn template(&mut self, text: &str, start: usize, wild: bool) -> Option<Template> {
        if wild { self.pattern(text, start) } else { self.filled(text, start) }
    }

    /// Reads a text that is expected: variables in it have a value from here on.
    fn pattern(&mut self, text: &str, start: usize) -> Option<Template> {
        let template = self.parse_template(text, start, true)?;
        for name in template.variables() {
            if !self.known.iter().any(|known| known == name) {
                self.known.push(name.to_owned());
            }
        }
        Some(template)
    }

    /// Reads a text whose variables must all have a value.
    fn filled(&mut self, text: &str, start: usize) -> Option<Template> {
        let template = self.parse_template(text, start, false)?;
        let strange = |name: &&str| !self.known.iter().any(|known| known == name);
        let Some(name) = template.variables().find(strange) else { return Some(template) };
        let similar = nearest(name, self.known.iter().map(String::as_str));
        let diagnostic = Diagnostic::error(
            VARIABLE,
            span(start + text.find(name).unwrap_or(1).saturating_sub(1), name.len() + 1),
            format!("`${name}` has no value here"),
        );
        self.problems.push(match similar {
            Some(similar) => diagnostic.suggest(Some(&format!("${similar}"))),
            None => diagnostic.help(
                "`expect` gives variables their values, and `let`; each peer is one, and `$server`",
            ),
        });
        None
    }

    /// Reads a text.
    fn parse_template(&mut self, text: &str, start: usize, wild: bool) -> Option<Template> {
        match Template::parse(text, wild) {
            Ok(template) => Some(template),
            Err((at, message)) => {
                self.error(MALFORMED, span(start + at, 1), message);
                None
            }
        }
    }

    /// Reads the name of a peer.
    fn named_peer(&mut self, words: &mut Words<'_>) -> Option<Peer> {
        let Some((name, at)) = words.next() else {
            self.error(PEER, words.rest().1, "the name of a peer is missing");
            return None;
        };
        let found = self.flow.peers.iter().find(|peer| peer.name == name).cloned();
        if found.is_none() {
            let similar = nearest(name, self.flow.peers.iter().map(|peer| peer.name.as_str()));
            let similar = similar.map(str::to_owned);
            let diagnostic = Diagnostic::error(PEER, at, format!("there is no peer `{name}`"));
            self.problems.push(match similar {
                Some(similar) => diagnostic.suggest(Some(&similar)),
                None => diagnostic.help(format!("add `peer {name} ADDRESS:PORT`")),
            });
        }
        found
    }

    /// Reads the name of a peer, or the address of one that has no name.
    fn any_peer(&mut self, words: &mut Words<'_>) -> Option<Peer> {
        let mut ahead = *words;
        let word = ahead.next().map_or("", |(word, _)| word);
        match parse_address(word) {
            Some(address) => {
                *words = ahead;
                Some(Peer { name: word.to_owned(), address })
            }
            None => self.named_peer(words),
        }
    }

    /// Reads the next word as an address.
    fn address_word(&mut self, words: &mut Words<'_>) -> Option<SocketAddr> {
        let (word, at) = words.next().unwrap_or(("", words.rest().1));
        self.address(word, at)
    }

    /// Reads an address.
    fn address(&mut self, word: &str, at: Span) -> Option<SocketAddr> {
        let address = parse_address(word);
        if address.is_none() {
            self.error(MALFORMED, at, format!("`{word}` is no address")).help =
                Some("an address is written 192.0.2.1:5060 or [2001:db8::1]:5060".to_owned());
        }
        address
    }

    /// Nothing more may be on the line.
    fn end(&mut self, mut words: Words<'_>) {
        if let Some((word, at)) = words.next() {
            self.error(UNKNOWN, at, format!("`{word}` has no meaning here"));
        }
    }

    /// A word that has no meaning.
    fn unknown(&mut self, word: &str, at: Span, known: &[&str]) {
        let similar = nearest(word, known.iter().copied());
        let diagnostic = Diagnostic::error(UNKNOWN, at, format!("`{word}` has no meaning here"));
        self.problems.push(match similar {
            Some(similar) => diagnostic.suggest(Some(similar)),
            None => diagnostic.help(format!("here can be: {}", known.join(", "))),
        });
    }

    /// Adds a problem.
    fn error(
        &mut self,
        code: &'static str,
        at: Span,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.problems.push(Diagnostic::error(code, at, message));
        let last = self.problems.len() - 1;
        &mut self.problems[last]
    }
}

/// Words that begin a line that is not indented.
const TOP_WORDS: &[&str] = &["case", "script", "listen", "peer", "host", "register"];
/// Words that begin a step.
const STEP_WORDS: &[&str] = &["send", "expect", "elapse", "register", "let"];
/// What is expected and is no peer.
const KEPT_NAMES: &[&str] = &["log", "nothing"];
/// The variable that is the first address of the server.
pub(super) const SERVER: &str = "server";
/// Longest time that a step takes: a day, of which each tenth of a second is gone through.
const ELAPSE_MS_MAX: u64 = 86_400_000;

/// How many of these lines are indented deeper than `indent`, blank ones between them included.
fn block_length(lines: &[Line<'_>], indent: usize) -> usize {
    let deeper = |line: &Line<'_>| line.is_blank() || line.indent > indent;
    let block = lines.iter().take_while(|line| deeper(line)).count();
    let is_text = |line: &Line<'_>| !line.is_blank();
    lines[..block].iter().rposition(is_text).map_or(0, |last| last + 1)
}

/// Reads `udp:192.0.2.1:5060`; `udp:` and the port may be left out.
#[must_use]
pub fn parse_address(text: &str) -> Option<SocketAddr> {
    let text = text.strip_prefix("udp:").unwrap_or(text);
    let bare = || text.trim_matches(['[', ']']).parse().ok().map(|ip: IpAddr| (ip, 5_060).into());
    text.parse().ok().or_else(bare).filter(|address: &SocketAddr| address.port() != 0)
}

/// Whether something can be the name of a variable.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
