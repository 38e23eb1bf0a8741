//! `#!define` and its kin, and the replacement of defined names.

use std::rc::Rc;

use super::{Line, Preprocessor, TOKEN_COUNT_MAX};
use crate::script::Span;
use crate::script::ast::StringStyle;
use crate::script::diagnostic::Diagnostic;
use crate::script::lexer::{Gap, Lexer, Token, TokenKind};

/// A defined name.
#[derive(Clone)]
pub(super) struct Define {
    /// What it stands for; nothing if it is only there for `#!ifdef`.
    value: Rc<[Token]>,
    /// Where it was defined.
    span: Span,
}

impl Define {
    /// A name that stands for a value.
    pub(super) fn new(value: Vec<Token>, span: Span) -> Self {
        Self { value: value.into(), span }
    }

    /// What it stands for, unless it is only there for `#!ifdef`.
    pub(super) fn tokens(&self) -> Option<Rc<[Token]>> {
        (!self.value.is_empty()).then(|| Rc::clone(&self.value))
    }
}

impl Preprocessor<'_> {
    /// `#!define`, `#!trydef`, `#!redefine`.
    pub(super) fn define(&mut self, line: &Line<'_>) {
        let Some((name, mut rest)) = self.name_of(line) else { return };
        let value = self.all_tokens(&mut rest);
        match (line.word, self.defines.get(&name)) {
            ("trydef" | "trydefine", Some(_)) => {}
            ("define" | "def", Some(old)) => {
                let message = format!("`{name}` is already defined");
                let diagnostic = Diagnostic::error("E0108", line.span, message);
                self.problems.report(
                    diagnostic
                        .also(old.span, "first defined here")
                        .help("use `#!redefine` to replace it or `#!trydef` to keep the first"),
                );
            }
            _ => {
                self.defines.insert(name, Define::new(value, line.span));
            }
        }
    }

    /// `#!undef`.
    pub(super) fn undefine(&mut self, line: &Line<'_>) {
        if let Some((name, _)) = self.name_of(line) {
            self.defines.remove(&name);
        }
    }

    /// `#!defenv NAME` and its kin: the value comes from the environment. With `NAME=ID`, the
    /// name in the script is `ID`.
    pub(super) fn define_environment(&mut self, line: &Line<'_>) {
        let Some((variable, mut rest)) = self.name_of(line) else { return };
        let name = match &self.all_tokens(&mut rest)[..] {
            [mark, Token { kind: TokenKind::Word(name), .. }] if mark.is("=") => name.clone(),
            _ => variable.clone(),
        };
        let Some(value) = self.reader.environment(&variable) else {
            if !line.word.starts_with("try") {
                let message = format!("the environment has no `{variable}`");
                self.problems.report(
                    Diagnostic::error("E0112", line.span, message)
                        .help("`#!trydefenv` passes over a variable that is not set"),
                );
            }
            return;
        };
        let is_string = line.word.ends_with('s');
        self.define_value(name, value.as_bytes(), is_string, line.span);
    }

    /// Defines a name whose value does not stand in the script.
    pub(super) fn define_value(&mut self, name: String, value: &[u8], is_text: bool, span: Span) {
        let tokens = if is_text {
            let kind = TokenKind::Text(value.to_vec(), StringStyle::Double);
            vec![Token { kind, span, gap: Gap::None }]
        } else {
            let mut tokens = self.all_tokens(&mut Lexer::new(value.into(), span.start));
            tokens.iter_mut().for_each(|token| token.span = span);
            tokens
        };
        self.defines.insert(name, Define::new(tokens, span));
    }

    /// Puts in the value of the defined name `site`, in which names are replaced again. `names`
    /// are those being replaced: a name within its own value stays.
    pub(super) fn expand(&mut self, names: &mut Vec<String>, site: &Token, value: &[Token]) {
        for (index, token) in value.iter().enumerate() {
            if self.tokens.len() >= TOKEN_COUNT_MAX {
                return self.too_large(site.span);
            }
            let gap = if index == 0 { site.gap } else { token.gap };
            let token = Token { kind: token.kind.clone(), span: site.span, gap };
            let inner = match &token.kind {
                TokenKind::Word(word) if !names.contains(word) && names.len() < DEPTH_MAX => {
                    self.defines.get(word).and_then(Define::tokens).map(|value| (word, value))
                }
                _ => None,
            };
            match inner {
                Some((word, value)) => {
                    names.push(word.clone());
                    self.expand(names, &token, &value);
                    names.pop();
                }
                None => self.tokens.push(token),
            }
        }
    }

    /// The name behind the keyword of a line, and a lexer of what is behind it.
    pub(super) fn name_of(&mut self, line: &Line<'_>) -> Option<(String, Lexer)> {
        let mut rest = line.rest.clone();
        if let TokenKind::Word(name) = rest.next_token(self.problems).kind {
            return Some((name, rest));
        }
        let message = format!("`#!{}` needs a name", line.word);
        self.problems.report(Diagnostic::error("E0107", line.span, message));
        None
    }

    /// The tokens up to the end.
    fn all_tokens(&mut self, lexer: &mut Lexer) -> Vec<Token> {
        let mut tokens = Vec::new();
        loop {
            let token = lexer.next_token(self.problems);
            if token.kind == TokenKind::End {
                return tokens;
            }
            tokens.push(token);
        }
    }
}

/// Names replaced within the values of other names.
const DEPTH_MAX: usize = 32;
