//! The language of `*.flow` files. `docs/TESTING.md` tells it to users.
//!
//! ```text
//! file      = { setup | case }
//! setup     = script FILE | listen ADDRESS | peer NAME ADDRESS | host NAME ADDRESS | register ...
//! case      = "case" TITLE, then indented steps
//! step      = register | let | send | expect | elapse | command
//! send, expect: the message follows, indented deeper; an empty line is before its body
//! ```

mod line;
mod message;
mod step;

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use self::line::{Line, Words, lines, span};

use super::stage::Hosts;
use super::template::Template;
use crate::jobs::Ending;
use crate::protocol::{Endpoint, Transport};
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
    pub(super) listen: Vec<Endpoint>,
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
    pub(super) address: Endpoint,
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
    /// A command that the script waits for ends.
    Command { ending: Ending, line: Option<Template>, output: Vec<Template> },
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
    Send { peer: Peer, to: Option<Endpoint>, what: Sending },
}

/// What a peer must have got.
#[derive(Clone, Debug)]
pub(super) struct Expectation {
    pub(super) peer: Peer,
    /// The address of the server that it came from.
    pub(super) from: Option<Endpoint>,
    /// Whether nothing else may have been sent before it.
    pub(super) is_next: bool,
    /// Whether all that is not written is as in the message that was sent last.
    pub(super) is_unchanged: bool,
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
    fn address_word(&mut self, words: &mut Words<'_>) -> Option<Endpoint> {
        let (word, at) = words.next_or_end();
        self.address(word, at)
    }

    /// Reads an address.
    fn address(&mut self, word: &str, at: Span) -> Option<Endpoint> {
        let address = parse_address(word);
        if address.is_none() {
            self.error(MALFORMED, at, format!("`{word}` is no address")).help =
                Some("an address is written 192.0.2.1:5060 or tcp:[2001:db8::1]:5060".to_owned());
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
const STEP_WORDS: &[&str] = &["send", "expect", "elapse", "register", "let", "command"];
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

/// Reads `tcp:192.0.2.1:5060`; `udp:` and the port may be left out.
fn parse_address(text: &str) -> Option<Endpoint> {
    let prefixed = text
        .split_once(':')
        .and_then(|(name, rest)| Transport::of(name.as_bytes()).map(|transport| (transport, rest)));
    let (transport, text) = prefixed.unwrap_or((Transport::Udp, text));
    let port = transport.default_port();
    let bare = || text.trim_matches(['[', ']']).parse().ok().map(|ip: IpAddr| (ip, port).into());
    let address = text.parse().ok().or_else(bare).filter(|it: &SocketAddr| it.port() != 0)?;
    Some(Endpoint { transport, address })
}

/// Whether something can be the name of a variable.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
