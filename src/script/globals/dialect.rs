//! Which dialect a script is written in.

use crate::script::ast::{
    Ast, Call, CaseLabel, Expression, ExpressionKind, GlobalValue, Statement, StatementKind,
};
use crate::script::diagnostic::Diagnostic;
use crate::script::{Dialect, Span};

/// The dialect that the first line names, or else the likeliest one, which is said in a note.
pub(super) fn dialect_of(ast: &Ast, diagnostics: &mut Vec<Diagnostic>) -> Dialect {
    if let Some(dialect) = ast.dialect {
        return dialect;
    }
    let (dialect, name, why) = guess(ast);
    let message = format!("no dialect is named; read as a script for {name}: {why}");
    let help = "name it in the first line: `#!KAMAILIO`, `#!OPENSER` or `#!SER`";
    diagnostics.push(Diagnostic::note("N0301", Span::default(), message).help(help));
    dialect
}

/// The likeliest dialect, its name, and why.
fn guess(ast: &Ast) -> (Dialect, &'static str, &'static str) {
    let paths = || {
        let values = ast.globals.iter().flat_map(|global| &global.values);
        let texts = values.filter_map(|value| match &value.node {
            GlobalValue::Text(text) => Some(text.as_slice()),
            GlobalValue::Word(word) => Some(word.as_bytes()),
            GlobalValue::Int(_) => None,
        });
        texts.chain(ast.modules.iter().map(|module| module.node.as_bytes()))
    };
    let has_path = |part: &[u8]| paths().any(|path| memchr::memmem::find(path, part).is_some());
    if has_path(b"/openser/") {
        return (Dialect::OpenSer, "OpenSER", "it has paths with `/openser/`");
    }
    if has_path(b"/ser/") {
        return (Dialect::Ser, "SER", "it has paths with `/ser/`");
    }
    let mut search = Search::default();
    ast.routes.iter().for_each(|route| search.statements(&route.body));
    if search.has_percent && !search.has_dollar {
        return (Dialect::Ser, "SER", "its `xlog` lines have `%` before the names of variables");
    }
    (Dialect::Kamailio, "Kamailio", "nothing in it says otherwise")
}

/// What is looked for in the strings given to `xlog`.
#[derive(Default)]
struct Search {
    /// `%rm` and the like.
    has_percent: bool,
    /// `$rm` and the like.
    has_dollar: bool,
}

impl Search {
    /// Looks through statements.
    fn statements(&mut self, statements: &[Statement]) {
        statements.iter().for_each(|statement| self.statement(statement));
    }

    /// Looks through a statement.
    fn statement(&mut self, statement: &Statement) {
        match &statement.kind {
            StatementKind::Assign { .. } => self.has_dollar = true,
            StatementKind::Block(list) => self.statements(list),
            StatementKind::Call(call) => self.call(call),
            StatementKind::If { condition, then, otherwise } => {
                self.expression(condition);
                self.statement(then);
                otherwise.iter().for_each(|other| self.statement(other));
            }
            StatementKind::Switch { value, cases } => {
                self.expression(value);
                for case in cases {
                    if let CaseLabel::Value(value) = &case.label {
                        self.expression(value);
                    }
                    self.statements(&case.body);
                }
            }
            StatementKind::While { condition, body } => {
                self.expression(condition);
                self.statement(body);
            }
            StatementKind::Break
            | StatementKind::Drop
            | StatementKind::Exit
            | StatementKind::Return(_) => {}
        }
    }

    /// Looks for variables of the script itself, which SER does not have.
    fn expression(&mut self, expression: &Expression) {
        match &expression.kind {
            ExpressionKind::Variable(_) => self.has_dollar = true,
            ExpressionKind::Binary(_, left, right) => {
                self.expression(left);
                self.expression(right);
            }
            ExpressionKind::Unary(_, operand) => self.expression(operand),
            ExpressionKind::Call(call) => self.call(call),
            ExpressionKind::Int(_) | ExpressionKind::Text(..) | ExpressionKind::Word(_) => {}
        }
    }

    /// Looks at the strings given to `xlog`.
    fn call(&mut self, call: &Call) {
        if call.name.node != "xlog" {
            return;
        }
        for argument in &call.arguments {
            if let ExpressionKind::Text(text, _) = &argument.kind {
                let names = |sign: u8| {
                    text.windows(3)
                        .any(|part| part[0] == sign && PERCENT_NAMES.contains(&&part[1..]))
                };
                self.has_percent |= names(b'%');
                self.has_dollar |= names(b'$');
            }
        }
    }
}

/// Names of variables in the `xlog` of SER.
const PERCENT_NAMES: &[&[u8]] = &[
    b"rm", b"ru", b"is", b"si", b"fu", b"ft", b"tu", b"tt", b"ci", b"cs", b"ct", b"rs", b"rr",
    b"ua", b"mb", b"mf", b"mi", b"pp", b"Ts", b"Tf",
];
