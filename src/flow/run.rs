//! Runs the cases of a flow.

use std::sync::Arc;

use super::coverage::Tally;
use super::difference::{Mark, Style, show_lines};
use super::draft::{Context, History, compose};
use super::expect::compare;
use super::journal::{Journal, Note};
use super::parse::{Case, Expectation, Flow, Peer, SERVER, Sending, Step, StepKind};
use super::stage::{Sent, Setup, Stage, StageError};
use super::template::{Template, Variables};
use crate::jobs::{Answer, Ending};
use crate::protocol::Endpoint;
use crate::script::{Program, SourceMap, Span};

/// What is not as a case says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    at: Span,
    message: String,
    /// The message that it is about.
    lines: Vec<(Mark, String)>,
}

impl Failure {
    /// A failure at a place of the flow.
    fn new(at: Span, message: impl Into<String>) -> Self {
        Self { at, message: message.into(), lines: Vec::new() }
    }

    /// With the message that it is about.
    fn about(mut self, message: &[u8]) -> Self {
        self.lines = show_lines(message).into_iter().map(|line| (Mark::Same, line)).collect();
        self
    }

    /// For people: `file:line:column: what`, and the message that it is about.
    #[must_use]
    pub fn show(&self, map: &SourceMap, style: Style) -> String {
        let place = map
            .place(self.at)
            .map(|place| format!("{}:{}:{}: ", place.file.display(), place.line, place.column));
        let mut shown = format!("{}{}\n", place.unwrap_or_default(), self.message);
        for (mark, line) in &self.lines {
            shown.push_str(&format!("    {}\n", style.line(*mark, line)));
        }
        shown
    }
}

impl Flow {
    /// Runs a case on a server of its own. What of the script has run is counted in `tally`.
    ///
    /// # Errors
    ///
    /// The first thing that is not as the case says.
    pub fn run(
        &self,
        case: &Case,
        program: &Arc<Program>,
        tally: Option<&Tally>,
    ) -> Result<(), Failure> {
        let setup = Setup {
            program,
            listen: &self.listen,
            hosts: &self.hosts,
            secret: *b"flows on a stage",
        };
        let journal = Journal::default();
        let mut stage = Stage::new(&setup, &journal);
        if let Some(tally) = tally {
            stage.observe(Box::new(tally.clone()));
        }
        let mut run = Run {
            peers: &self.peers,
            histories: vec![History::default(); self.peers.len()],
            variables: Variables::default(),
            pending: Vec::new(),
            logged: Vec::new(),
            given: Vec::new(),
            sent_count: 0,
            journal,
            stage,
        };
        run.name_addresses();
        for step in self.registrations.iter().chain(&case.steps) {
            run.step(step)?;
        }
        let end = case.steps.last().map_or(case.span, |step| step.span);
        if run.stage.waits() {
            return Err(Failure::new(end, "the script still waits for a command"));
        }
        run.nothing_more(end)
    }
}

/// The state of running a case.
struct Run<'f> {
    peers: &'f [Peer],
    /// What each peer has sent and received.
    histories: Vec<History>,
    variables: Variables,
    /// What the server has sent and no step has expected yet.
    pending: Vec<Sent>,
    /// What the script has logged and no step has expected yet.
    logged: Vec<String>,
    /// The message that the server got last.
    given: Vec<u8>,
    sent_count: usize,
    journal: Journal,
    stage: Stage,
}

impl Run<'_> {
    /// Makes variables of the addresses of the peers and of the server.
    fn name_addresses(&mut self) {
        for peer in self.peers {
            self.variables.set(&peer.name, peer.address.address.to_string().into_bytes());
        }
        if let Some(address) = self.stage.addresses().next() {
            self.variables.set(SERVER, address.address.to_string().into_bytes());
        }
    }

    /// Does a step.
    fn step(&mut self, step: &Step) -> Result<(), Failure> {
        let refused = |error: StageError| Failure::new(step.span, error.to_string());
        match &step.kind {
            StepKind::Command { ending, line, output } => {
                self.command(*ending, line.as_ref(), output, step.span)
            }
            StepKind::Elapse(milliseconds) => {
                self.nothing_more(step.span)?;
                let sent = self.stage.advance(*milliseconds);
                self.take(sent);
                Ok(())
            }
            StepKind::Expect(expectation) => self.expect(expectation, step.span),
            StepKind::ExpectLog(line) => {
                let variables = &mut self.variables;
                let found =
                    self.logged.iter().position(|log| line.matches(log.as_bytes(), variables));
                let Some(found) = found else { return Err(self.not_logged(step.span)) };
                self.logged.remove(found);
                Ok(())
            }
            StepKind::ExpectNothing => self.nothing_more(step.span),
            StepKind::Let(name, text) => {
                let value = text.fill(&self.variables);
                self.variables.set(name, value);
                Ok(())
            }
            StepKind::Register { table, aor, contact } => {
                let filled = |template: &Template| {
                    String::from_utf8_lossy(&template.fill(&self.variables)).into_owned()
                };
                let (aor, contact) = (filled(aor), filled(contact));
                self.stage.register(table, &aor, &contact).map_err(refused)
            }
            StepKind::Send { peer, to, what } => {
                self.nothing_more(step.span)?;
                self.send(peer, *to, what, step.span)
            }
        }
    }

    /// A peer sends.
    fn send(
        &mut self,
        peer: &Peer,
        to: Option<Endpoint>,
        what: &Sending,
        at: Span,
    ) -> Result<(), Failure> {
        let refused = |error: StageError| Failure::new(at, error.to_string());
        let usual = self.stage.address_for(peer.address);
        let place = self.peers.iter().position(|other| other.name == peer.name).unwrap_or(0);
        let history = &mut self.histories[place];
        let (message, server) = match what {
            Sending::Again => history.last.clone().ok_or_else(|| {
                Failure::new(at, format!("`{}` has sent nothing before", peer.name))
            })?,
            Sending::Message(block) => {
                let server = to.map_or(usual, Ok).map_err(refused)?;
                let (variables, sent_count) = (&self.variables, self.sent_count);
                let context = Context { peer, server, history, variables, sent_count };
                compose(block, &context).map_err(|message| Failure::new(at, message))?
            }
            Sending::Raw(lines) => {
                let mut message = Vec::new();
                for line in lines {
                    message.extend(line.fill(&self.variables));
                    message.extend_from_slice(b"\r\n");
                }
                if memchr::memmem::find(&message, b"\r\n\r\n").is_none() {
                    message.extend_from_slice(b"\r\n");
                }
                (message, usual.map_err(refused)?)
            }
        };
        let server = to.unwrap_or(server);
        self.sent_count += 1;
        history.sent(message.clone(), server);
        let sent = self.stage.deliver(peer.address, server, &message).map_err(refused)?;
        self.given = message;
        self.take(sent);
        Ok(())
    }

    /// A command that the script waits for ends.
    fn command(
        &mut self,
        ending: Ending,
        line: Option<&Template>,
        output: &[Template],
        at: Span,
    ) -> Result<(), Failure> {
        let Some(order) = self.stage.order() else {
            return Err(self.with_log(Failure::new(at, "the script waits for no command")));
        };
        let text = &order.command.line;
        if line.is_some_and(|line| !line.matches(text, &mut self.variables)) {
            let message = "the script waits for another command than this";
            return Err(Failure::new(at, message).about(text));
        }
        let mut written = Vec::new();
        for line in output {
            written.extend(line.fill(&self.variables));
            written.push(b'\n');
        }
        let sent = self.stage.finish(order, Answer { ending, output: written });
        self.take(sent);
        Ok(())
    }

    /// A peer must have got a message.
    fn expect(&mut self, expectation: &Expectation, at: Span) -> Result<(), Failure> {
        let Expectation { peer, from, is_next, is_unchanged, message } = expectation;
        let is_here = |sent: &Sent| sent.destination == peer.address;
        let Some(place) = self.pending.iter().position(is_here) else {
            return Err(self.not_sent(peer, at));
        };
        if *is_next && place > 0 {
            let first = &self.pending[0];
            let who = self.name_of(first.destination);
            let message = format!("{who} was sent a message before {} was", peer.name);
            return Err(Failure::new(at, message).about(&first.bytes));
        }
        let sent = self.pending.remove(place);
        let original = is_unchanged.then_some(self.given.as_slice());
        if let Some(expected) = message
            && let Some(lines) = compare(expected, &sent.bytes, original, &mut self.variables)
        {
            let message = format!("{} has got another message than expected", peer.name);
            return Err(Failure { at, message, lines });
        }
        match from {
            Some(from) if *from != sent.source => {
                let message = format!("{} has got this from {}", peer.name, sent.source.brief());
                Err(Failure::new(at, message).about(&sent.bytes))
            }
            _ => Ok(()),
        }
    }

    /// Nothing may be left that no step has expected.
    fn nothing_more(&self, at: Span) -> Result<(), Failure> {
        let Some(sent) = self.pending.first() else { return Ok(()) };
        let who = self.name_of(sent.destination);
        let message = format!("before this, {who} was sent a message that no step expects");
        Err(Failure::new(at, message).about(&sent.bytes))
    }

    /// A peer has got nothing: what others have got, or why nobody has.
    fn not_sent(&self, peer: &Peer, at: Span) -> Failure {
        let message = format!("{} has got no message", peer.name);
        match self.pending.first() {
            Some(other) => {
                let who = self.name_of(other.destination);
                Failure::new(at, format!("{message}; {who} has got this")).about(&other.bytes)
            }
            None => self.with_log(Failure::new(at, message)),
        }
    }

    /// The script has not logged what was expected.
    fn not_logged(&self, at: Span) -> Failure {
        self.with_log(Failure::new(at, "the script has not logged this"))
    }

    /// A failure with what the script has logged since the last message.
    fn with_log(&self, mut failure: Failure) -> Failure {
        if !self.logged.is_empty() {
            failure.message.push_str("; the script has logged");
            failure.lines = self.logged.iter().map(|log| (Mark::Same, log.clone())).collect();
        }
        failure
    }

    /// Takes what the server has sent and logged.
    fn take(&mut self, sent: Vec<Sent>) {
        self.logged.clear();
        for note in self.journal.take() {
            if let Note::Logged(_, text) = note {
                self.logged.push(text.trim_end().to_owned());
            }
        }
        for sent in &sent {
            for (peer, history) in self.peers.iter().zip(&mut self.histories) {
                if peer.address == sent.destination {
                    history.received(&sent.bytes, sent.source);
                }
            }
        }
        self.pending.extend(sent);
    }

    /// The name of the peer at an address, or the address.
    fn name_of(&self, address: Endpoint) -> String {
        let named = self.peers.iter().find(|peer| peer.address == address);
        named.map_or_else(|| address.brief(), |peer| peer.name.clone())
    }
}
