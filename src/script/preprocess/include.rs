//! `include_file` and `import_file`.

use std::io::ErrorKind;
use std::path::PathBuf;

use super::Preprocessor;
use crate::limits::SCRIPT_INCLUDE_DEPTH_MAX;
use crate::script::Span;
use crate::script::diagnostic::Diagnostic;
use crate::script::lexer::{Gap, Lexer, TokenKind};

impl Preprocessor<'_> {
    /// Reads the name behind `include_file` or `import_file` and then that file.
    pub(super) fn include_statement(&mut self, word: &str, span: Span, lexer: &mut Lexer) {
        let mut ahead = lexer.clone();
        let mut token = ahead.next_token(self.problems);
        if token.is("=") {
            token = ahead.next_token(self.problems);
        }
        let TokenKind::Text(name, _) = token.kind else {
            let message = format!("`{word}` needs the name of a file");
            let help = format!("write `{word} \"name\"`");
            self.problems.report(Diagnostic::error("E0107", span, message).help(help));
            if token.gap != Gap::Line {
                *lexer = ahead;
            }
            return;
        };
        *lexer = ahead;
        let path = PathBuf::from(String::from_utf8_lossy(&name).into_owned());
        self.include(path, span.to(token.span), word == "import_file");
    }

    /// Reads an included file.
    fn include(&mut self, name: PathBuf, span: Span, is_optional: bool) {
        let path = match self.open.last().and_then(|file| file.parent()) {
            Some(folder) => folder.join(&name),
            None => name,
        };
        if self.open.contains(&path) {
            let message = format!("`{}` includes itself", path.display());
            self.problems.report(Diagnostic::error("E0110", span, message));
            return;
        }
        if self.open.len() > SCRIPT_INCLUDE_DEPTH_MAX {
            let message = "files are included too deep within each other";
            self.problems.report(
                Diagnostic::error("E0110", span, message)
                    .help(format!("{SCRIPT_INCLUDE_DEPTH_MAX} levels are possible")),
            );
            return;
        }
        match self.reader.read(&path) {
            Ok(text) => self.file(path, text, span),
            Err(error) if is_optional && error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                let message = format!("cannot read `{}`: {error}", path.display());
                let diagnostic = Diagnostic::error("E0109", span, message);
                self.problems.report(if error.kind() == ErrorKind::NotFound {
                    diagnostic.help("`import_file` passes over a file that does not exist")
                } else {
                    diagnostic
                });
            }
        }
    }
}
