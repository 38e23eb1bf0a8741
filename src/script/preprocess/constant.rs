//! What `$def(NAME)` and `$env(NAME)` read: known before the script runs.

use super::Preprocessor;
use super::define::Define;
use crate::script::ast::NamedValue;
use crate::script::lexer::{Gap, TokenKind};

impl Preprocessor<'_> {
    /// All defined names, and the variables of the environment that the script reads.
    pub(super) fn constants(&self) -> Vec<NamedValue> {
        let defined = self.defines.iter().map(|(name, define)| NamedValue {
            reader: "def",
            name: name.clone().into_bytes(),
            value: text_of(define),
        });
        let mut constants: Vec<NamedValue> = defined.collect();
        for token in &self.tokens {
            let (TokenKind::Text(text, _) | TokenKind::Variable(text)) = &token.kind else {
                continue;
            };
            for start in memchr::memmem::find_iter(text, ENVIRONMENT) {
                let rest = &text[start + ENVIRONMENT.len()..];
                let Some(end) = memchr::memchr(b')', rest) else { continue };
                let name = &rest[..end];
                let is_known = |known: &NamedValue| known.reader == "env" && known.name == name;
                if constants.iter().any(is_known) {
                    continue;
                }
                if let Some(value) = self.reader.environment(&String::from_utf8_lossy(name)) {
                    let (name, value) = (name.to_vec(), value.into_bytes());
                    constants.push(NamedValue { reader: "env", name, value });
                }
            }
        }
        constants
    }
}

/// How a variable of the environment is read, whatever stands before it.
const ENVIRONMENT: &[u8] = b"env(";

/// The text of a define; nothing if it is only there for `#!ifdef`.
fn text_of(define: &Define) -> Vec<u8> {
    let mut text = Vec::new();
    for token in define.tokens().iter().flat_map(|tokens| tokens.iter()) {
        if !text.is_empty() && token.gap != Gap::None {
            text.push(b' ');
        }
        match &token.kind {
            TokenKind::Text(inner, _) | TokenKind::Variable(inner) => {
                text.extend_from_slice(inner);
            }
            _ => text.extend_from_slice(token.bare().unwrap_or_default().as_bytes()),
        }
    }
    text
}
