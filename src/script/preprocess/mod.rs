//! Includes, defines and conditions: from the files of a script to one row of tokens.

mod condition;
mod constant;
mod define;
mod include;
mod substitute;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use condition::Condition;
use define::Define;
use substitute::StringSubstitution;

use super::ast::{NamedValue, Passed, words_of};
use super::diagnostic::{Diagnostic, Problems};
use super::lexer::{DIALECT_MARKS, DIRECTIVES, Gap, Lexer, Token, TokenKind};
use super::load::Reader;
use super::spelling::nearest;
use super::{Dialect, SourceMap, Span};
use crate::limits::{SCRIPT_BYTES_MAX, SCRIPT_STRING_BYTES_MAX};

/// What is left of a script when the preprocessor is done with it.
#[derive(Debug)]
pub(super) struct Preprocessed {
    /// All files that were read.
    pub(super) map: SourceMap,
    /// The tokens of the script; the last one is [`TokenKind::End`].
    pub(super) tokens: Vec<Token>,
    /// The dialect that the first line names.
    pub(super) dialect: Option<Dialect>,
    /// What `$def(...)` and `$env(...)` read.
    pub(super) constants: Vec<NamedValue>,
    /// What conditions left out.
    pub(super) passed: Passed,
}

/// Reads a script and what it includes.
pub(super) fn preprocess(
    path: &Path,
    text: Vec<u8>,
    reader: &dyn Reader,
    problems: &mut Problems,
) -> Preprocessed {
    let mut preprocessor = Preprocessor {
        map: SourceMap::default(),
        tokens: Vec::new(),
        dialect: None,
        reader,
        problems,
        defines: BTreeMap::new(),
        substitutions: Vec::new(),
        open: Vec::new(),
        bytes: 0,
        passed: Passed::default(),
    };
    preprocessor.file(path.to_owned(), text, Span::default());
    let end = preprocessor.map.files().first().map_or(0, super::source::SourceFile::end);
    let span = Span { start: end, end };
    preprocessor.tokens.push(Token { kind: TokenKind::End, span, gap: Gap::Line });
    let constants = preprocessor.constants();
    let Preprocessor { map, tokens, dialect, mut passed, .. } = preprocessor;
    passed.seams.sort_unstable();
    Preprocessed { map, tokens, dialect, constants, passed }
}

/// The state of the preprocessor.
struct Preprocessor<'p> {
    map: SourceMap,
    tokens: Vec<Token>,
    dialect: Option<Dialect>,
    reader: &'p dyn Reader,
    problems: &'p mut Problems,
    defines: BTreeMap<String, Define>,
    substitutions: Vec<StringSubstitution>,
    /// The files being read, outermost first.
    open: Vec<PathBuf>,
    /// Bytes read so far.
    bytes: usize,
    passed: Passed,
}

impl Preprocessor<'_> {
    /// Reads a file; `from` is where it is included.
    fn file(&mut self, path: PathBuf, text: Vec<u8>, from: Span) {
        self.bytes = self.bytes.saturating_add(text.len());
        if self.bytes > SCRIPT_BYTES_MAX {
            self.too_large(from);
            return;
        }
        let text = without_mark(text);
        let base = self.map.add(path.clone(), text);
        let Some(text) = self.map.files().last().map(|file| file.text.clone()) else { return };
        self.open.push(path);
        self.tokens_of(&mut Lexer::new(text, base));
        self.open.pop();
    }

    /// Takes over the tokens of a file, up to its end.
    fn tokens_of(&mut self, lexer: &mut Lexer) {
        let mut conditions: Vec<Condition> = Vec::new();
        loop {
            let token = lexer.next_token(self.problems);
            match &token.kind {
                TokenKind::End => break,
                TokenKind::Directive(word, rest) => {
                    let rest = lexer.within(rest.clone());
                    let line = Line { word, rest, span: token.span };
                    self.directive(&line, &mut conditions);
                    if !conditions.iter().all(|condition| condition.is_active) {
                        let passed = words_of(lexer.skip_to_directive());
                        for word in passed {
                            if !self.passed.words.contains(word) {
                                self.passed.words.insert(word.into());
                            }
                        }
                    }
                }
                TokenKind::Word(word) if is_include(word) => {
                    self.include_statement(word, token.span, lexer);
                }
                _ => self.take(token),
            }
        }
        for condition in conditions {
            condition.report_open(self.problems);
        }
    }

    /// Takes over one token, replaced if it is defined.
    fn take(&mut self, mut token: Token) {
        if self.tokens.len() >= TOKEN_COUNT_MAX {
            self.too_large(token.span);
            return;
        }
        match &mut token.kind {
            TokenKind::Word(word) => {
                if let Some(value) = self.defines.get(word).and_then(Define::tokens) {
                    let mut names = vec![word.clone()];
                    self.expand(&mut names, &token, &value);
                    return;
                }
            }
            TokenKind::Text(text, _) => {
                for substitution in &self.substitutions {
                    substitution.apply(text);
                    if text.len() > SCRIPT_STRING_BYTES_MAX {
                        self.too_large(token.span);
                        return;
                    }
                }
            }
            _ => {}
        }
        self.tokens.push(token);
    }

    /// Does what a preprocessor line says.
    fn directive(&mut self, line: &Line<'_>, conditions: &mut Vec<Condition>) {
        match line.word {
            "ifdef" | "ifndef" | "ifexp" | "else" | "endif" => {
                self.passed.seams.push(line.span.start);
                self.condition(line, conditions);
            }
            _ if !conditions.iter().all(|condition| condition.is_active) => {}
            "define" | "def" | "trydef" | "trydefine" | "redefine" | "redef" => self.define(line),
            "undef" => self.undefine(line),
            "defenv" | "defenvs" | "trydefenv" | "trydefenvs" => self.define_environment(line),
            "subst" | "substdef" | "substdefs" => self.substitute(line),
            "include_file" | "import_file" => {
                let mut rest = line.rest.clone();
                self.include_statement(line.word, line.span, &mut rest);
            }
            mark if DIALECT_MARKS.contains(&mark) => {
                if self.tokens.is_empty() && self.dialect.is_none() {
                    self.dialect = Some(match mark {
                        "SER" => Dialect::Ser,
                        "OPENSER" | "OPENSIPS" => Dialect::OpenSer,
                        _ => Dialect::Kamailio,
                    });
                }
            }
            other => self.unknown(line, other),
        }
    }

    /// A line whose keyword is not known is a comment; it may be a misspelt one.
    fn unknown(&mut self, line: &Line<'_>, word: &str) {
        let known = DIRECTIVES.iter().chain(DIALECT_MARKS).copied();
        if let Some(name) = nearest(word, known) {
            let message = format!("`#!{word}` is not known and taken as a comment");
            self.problems.report(
                Diagnostic::warning("W0101", line.span, message)
                    .help(format!("did you mean `{name}`?"))
                    .fix(line.word_span(), name),
            );
        }
    }

    /// Reports that the script is too large, once.
    fn too_large(&mut self, span: Span) {
        if self.problems.has("E0111") {
            return;
        }
        let message = "the script is too large with all that it includes and defines";
        self.problems.report(Diagnostic::error("E0111", span, message));
    }
}

/// A preprocessor line.
struct Line<'l> {
    /// Its keyword.
    word: &'l str,
    /// A lexer of the rest of it.
    rest: Lexer,
    /// The whole line.
    span: Span,
}

impl Line<'_> {
    /// Where its keyword stands.
    fn word_span(&self) -> Span {
        let start = self.span.start + MARK_BYTES;
        Span { start, end: start + u32::try_from(self.word.len()).unwrap_or(0) }
    }
}

/// Length of the `#!` before a keyword.
const MARK_BYTES: u32 = 2;

/// Whether the word includes a file.
fn is_include(word: &str) -> bool {
    matches!(word, "include_file" | "import_file")
}

/// Tokens of a script, defines replaced: some hundred bytes of memory each.
const TOKEN_COUNT_MAX: usize = 1 << 20;

/// A file without the byte order mark that some editors put in front.
fn without_mark(mut text: Vec<u8>) -> Vec<u8> {
    if text.starts_with(b"\xef\xbb\xbf") {
        text.drain(..3);
    }
    text
}

#[cfg(test)]
mod tests;
