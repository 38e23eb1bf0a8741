//! stub
use super::ast::Ast;
use super::{Diagnostic, Settings};

/// Whether it takes several values.
pub(super) fn is_list(name: &str) -> bool {
    matches!(name, "listen" | "alias" | "socket")
}

/// Whether known.
pub(super) fn is_known(name: &str) -> bool {
    is_list(name)
}

/// Settings.
pub fn settings(ast: &Ast, diagnostics: &mut Vec<Diagnostic>) -> Settings {
    let _ = (ast, diagnostics);
    Settings::default()
}
