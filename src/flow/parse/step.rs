//! The steps of a case.

use super::line::{Line, Words, span};
use super::{
    ELAPSE_MS_MAX, Ending, Expectation, KEPT_NAMES, MALFORMED, Parser, STEP_WORDS, Sending, Step,
    StepKind, is_name,
};

impl Parser {
    /// Reads a step.
    pub(super) fn step(&mut self, mut words: Words<'_>, block: &[Line<'_>]) -> Option<Step> {
        let (word, at) = words.next()?;
        let takes_block = matches!(word, "send" | "expect" | "command");
        if let Some(line) = block.iter().find(|line| !line.is_comment()).filter(|_| !takes_block) {
            self.error(MALFORMED, line.span(), format!("`{word}` is not followed by a message"));
        }
        let kind = match word {
            "command" => self.command(words, block),
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

    /// Reads `command STATUS [TEXT]` and what the command writes.
    fn command(&mut self, mut words: Words<'_>, block: &[Line<'_>]) -> Option<StepKind> {
        let (word, at) = words.next_or_end();
        let ending = match word {
            "killed" => Ending::Killed,
            "late" => Ending::Late,
            "missing" => Ending::NotStarted,
            status => match status.parse::<u8>() {
                Ok(status) => Ending::Exited(status.into()),
                Err(_) => {
                    let message = "a command ends with a status from 0 to 255, or it is `late`, \
                                   `killed` or `missing`";
                    self.error(MALFORMED, at, message);
                    return None;
                }
            },
        };
        let (text, at) = words.rest();
        let line = match text {
            "" => None,
            text => Some(self.pattern(text, at.start as usize)?),
        };
        let lines = self.block_lines(block);
        let lines = lines.iter().map(|(start, text)| self.filled(text, *start));
        Some(StepKind::Command { ending, line, output: lines.collect::<Option<_>>()? })
    }

    /// Reads `elapse 30s`.
    fn elapse(&mut self, mut words: Words<'_>) -> Option<StepKind> {
        let (text, at) = words.next_or_end();
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
    pub(super) fn register(&mut self, mut words: Words<'_>) -> Option<StepKind> {
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

    /// Reads `expect PEER [from ADDRESS] [next] [unchanged]` and the message, `expect log` or
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
        let (mut from, mut is_next, mut is_unchanged) = (None, false, false);
        while let Some((word, at)) = words.next() {
            match word {
                "from" => from = self.address_word(&mut words),
                "next" => is_next = true,
                "unchanged" => is_unchanged = true,
                other => self.unknown(other, at, &["from", "next", "unchanged"]),
            }
        }
        let message = if block.is_empty() { None } else { Some(self.block(&block, true)?) };
        Some(StepKind::Expect(Expectation { peer, from, is_next, is_unchanged, message }))
    }
}
