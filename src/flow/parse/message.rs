//! Messages as they are written in a flow.

use super::line::{Line, span};
use super::{Block, FieldLine, MALFORMED, MESSAGE, Parser, VARIABLE};
use crate::flow::template::Template;
use crate::script::{Diagnostic, nearest};

impl Parser {
    /// The lines of a message with the indent of the first one taken off, and where they start.
    pub(super) fn block_lines<'t>(&mut self, block: &[Line<'t>]) -> Vec<(usize, &'t str)> {
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
    pub(super) fn block(&mut self, lines: &[(usize, &str)], wild: bool) -> Option<Block> {
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
    pub(super) fn pattern(&mut self, text: &str, start: usize) -> Option<Template> {
        let template = self.parse_template(text, start, true)?;
        for name in template.variables() {
            if !self.known.iter().any(|known| known == name) {
                self.known.push(name.to_owned());
            }
        }
        Some(template)
    }

    /// Reads a text whose variables must all have a value.
    pub(super) fn filled(&mut self, text: &str, start: usize) -> Option<Template> {
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
}
