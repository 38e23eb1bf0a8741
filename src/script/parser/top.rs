//! What stands outside of statements: globals, modules, parameters, route blocks.

use super::block::Braces;
use super::recover::{BLOCK_KEYWORDS, TOP_KEYWORDS, is_block_keyword, starts_control};
use super::{Failed, Parse, Parser};
use crate::script::ast::{
    Ast, ExpressionKind, Global, GlobalValue, ModParam, Route, RouteKind, Spanned,
};
use crate::script::diagnostic::Diagnostic;
use crate::script::lexer::{Gap, TokenKind};
use crate::script::spelling::nearest;
use crate::script::{Span, globals};

impl Parser<'_> {
    /// The whole script.
    pub(super) fn script(&mut self, ast: &mut Ast) {
        loop {
            let at = self.at;
            self.is_abandoned = false;
            if self.take(";").is_some() {
                continue;
            }
            if self.peek().kind == TokenKind::End {
                return;
            }
            if self.item(ast).is_err() {
                if self.at == at {
                    self.advance();
                }
                self.skip_to_top();
            }
        }
    }

    /// One line or block.
    fn item(&mut self, ast: &mut Ast) -> Parse<()> {
        let token = self.peek();
        let Some(word) = token.word() else {
            return Err(match token.kind {
                TokenKind::Mark("}") => self.unmatched(),
                TokenKind::Variable(_) => self.outside(),
                _ => {
                    self.unexpected("a global parameter, `loadmodule`, `modparam` or a route block")
                }
            });
        };
        let next = self.peek_at(1);
        match word {
            _ if next.is("=") && word != "mpath" && word != "loadpath" => self.global(ast),
            _ if is_block_keyword(word) && !next.is("(") => self.route(word, ast),
            "loadmodule" | "loadmodulex" => self.load_module(ast),
            "loadpath" | "mpath" | "cfgengine" => self.global(ast),
            "modparam" | "modparamx" => self.mod_param(ast),
            "flags" | "bool" => self.flags(ast),
            "avpflags" => self.avp_flags(),
            _ if starts_control(word) || next.is("(") => Err(self.outside()),
            _ if next.is("{") || next.is("[") => self.unknown_block(word),
            _ => self.global(ast),
        }
    }

    /// Reports a `}` that closes nothing.
    fn unmatched(&mut self) -> Failed {
        let token = self.advance();
        let message = "this `}` closes nothing";
        let diagnostic = Diagnostic::error("E0206", token.span, message);
        self.report(diagnostic.help("remove it, or add the `{` that it should close"));
        Failed
    }

    /// Reports a statement outside of route blocks.
    fn outside(&mut self) -> Failed {
        let token = self.peek();
        let message = "this statement stands outside of a route block";
        let mut diagnostic = Diagnostic::error("E0206", token.span, message);
        let before = self.at.checked_sub(1).and_then(|index| self.tokens.get(index));
        if let Some(close) = before.filter(|token| token.is("}")) {
            diagnostic = diagnostic
                .also(close.span, "the block ended here")
                .help("this `}` may be one too many");
        } else if let Some(word) = token.word() {
            let known = TOP_KEYWORDS.iter().chain(BLOCK_KEYWORDS).copied();
            diagnostic = diagnostic.suggest(nearest(word, known));
        }
        self.report(diagnostic);
        Failed
    }

    /// A block whose keyword is not known: its statements are looked at, then it is dropped.
    fn unknown_block(&mut self, word: &str) -> Parse<()> {
        let keyword = self.advance().span;
        let message = format!("`{word}` is no route block");
        let known = nearest(word, BLOCK_KEYWORDS.iter().copied());
        self.report(Diagnostic::error("E0204", keyword, message).suggest(known));
        if self.peek().is("[") {
            self.bracketed_name()?;
        }
        if self.peek().is("{") {
            self.braces = Braces::of_route(keyword);
            self.block();
        }
        Ok(())
    }

    /// `route[NAME] { ... }` and the other blocks.
    fn route(&mut self, word: &str, ast: &mut Ast) -> Parse<()> {
        let keyword = Spanned { node: word.to_owned(), span: self.advance().span };
        if word == "on_reply_route" {
            let message = "`on_reply_route` is taken as `onreply_route`";
            self.report(Diagnostic::warning("W0201", keyword.span, message));
        }
        let name = if self.peek().is("[") {
            self.bracketed_name()?
        } else {
            Spanned { node: "0".to_owned(), span: keyword.span }
        };
        if !self.peek().is("{") {
            return Err(self.unexpected("`{`"));
        }
        self.braces = Braces::of_route(keyword.span);
        let body = self.block();
        ast.routes.push(Route { kind: route_kind(word), name, keyword, body });
        Ok(())
    }

    /// The name of a route block in brackets, bare or quoted.
    fn bracketed_name(&mut self) -> Parse<Spanned<String>> {
        self.expect("[")?;
        let name = if let Some(text) = self.text() {
            let ExpressionKind::Text(node, _) = text.kind else { return Err(Failed) };
            Spanned { node: String::from_utf8_lossy(&node).into_owned(), span: text.span }
        } else {
            let Some((node, span)) = self.run(&["]", "{", ";"]) else {
                return Err(self.unexpected("the name of a route block"));
            };
            Spanned { node, span }
        };
        self.expect("]")?;
        Ok(name)
    }

    /// `loadmodule "name.so"`, behind which `loadmodulex` takes options.
    fn load_module(&mut self, ast: &mut Ast) -> Parse<()> {
        self.advance();
        self.take("=");
        let Some(text) = self.text() else {
            let is_here = self.peek().gap != Gap::Line;
            return Err(match self.run(&[";"]).filter(|_| is_here) {
                Some((name, span)) => {
                    let message = "the name of a module stands in quotes";
                    let help = format!("write `loadmodule \"{name}\"`");
                    let diagnostic = Diagnostic::error("E0213", span, message).help(help);
                    self.report(diagnostic.fix(span, format!("\"{name}\"")));
                    Failed
                }
                None => self.unexpected("the name of a module"),
            });
        };
        let ExpressionKind::Text(name, _) = text.kind else { return Err(Failed) };
        let node = String::from_utf8_lossy(&name).into_owned();
        ast.modules.push(Spanned { node, span: text.span });
        Ok(())
    }

    /// `modparam("module", "name", value)`
    fn mod_param(&mut self, ast: &mut Ast) -> Parse<()> {
        self.advance();
        let open = self.expect("(")?;
        let module = self.name_argument("the name of a module in quotes")?;
        self.comma()?;
        let name = self.name_argument("the name of a parameter in quotes")?;
        self.comma()?;
        let value = self.parameter_value()?;
        ast.modparams.push(ModParam { module, name, value });
        self.close(open)?;
        Ok(())
    }

    /// A quoted name.
    fn name_argument(&mut self, what: &str) -> Parse<Spanned<String>> {
        let token = self.peek();
        let TokenKind::Text(name, _) = &token.kind else { return Err(self.unexpected(what)) };
        self.advance();
        Ok(Spanned { node: String::from_utf8_lossy(name).into_owned(), span: token.span })
    }

    /// Takes a comma; a missing one before a value is reported and parsing goes on.
    fn comma(&mut self) -> Parse<()> {
        let is_value = matches!(self.peek().kind, TokenKind::Text(..) | TokenKind::Number(..));
        if is_value {
            self.report(Diagnostic::error("E0211", self.behind(), "missing `,`").missing(","));
            return Ok(());
        }
        self.expect(",").map(|_| ())
    }

    /// The value of a module parameter.
    fn parameter_value(&mut self) -> Parse<Spanned<GlobalValue>> {
        if let TokenKind::Variable(name) = &self.peek().kind {
            let node = GlobalValue::Text(name.clone());
            return Ok(Spanned { node, span: self.advance().span });
        }
        self.value(&[")", ",", ";"], true).ok_or_else(|| self.unexpected("a value"))
    }

    /// A number, string or bare text.
    fn value(&mut self, stops: &[&str], joins: bool) -> Option<Spanned<GlobalValue>> {
        if let TokenKind::Text(text, _) = &self.peek().kind {
            let whole = if joins { self.text() } else { None };
            return Some(match whole.map(|text| (text.kind, text.span)) {
                Some((ExpressionKind::Text(text, _), span)) => {
                    Spanned { node: GlobalValue::Text(text), span }
                }
                _ => {
                    let node = GlobalValue::Text(text.clone());
                    Spanned { node, span: self.advance().span }
                }
            });
        }
        let first = self.peek();
        let sign = if first.is("-") { -1 } else { 1 };
        let digits = if first.is("-") { self.peek_at(1) } else { first };
        let number = match &digits.kind {
            TokenKind::Number(number, text) => Some((number.saturating_mul(sign), text)),
            _ => None,
        };
        let (text, span) = self.run(stops)?;
        let node = match number {
            Some((number, digits)) if text.trim_start_matches('-') == digits => {
                GlobalValue::Int(number)
            }
            _ => GlobalValue::Word(text),
        };
        Some(Spanned { node, span })
    }

    /// `name = value ...`
    fn global(&mut self, ast: &mut Ast) -> Parse<()> {
        let Some((node, span)) = self.run(&["=", "{", "[", "(", ";"]) else {
            return Err(self.unexpected("a name"));
        };
        let name = Spanned { node, span };
        let has_sign = self.take("=").is_some();
        let takes_none = matches!(name.node.as_str(), "loadpath" | "mpath" | "cfgengine");
        if !has_sign && !takes_none {
            return Err(self.missing_sign(&name));
        }
        let is_list = globals::is_list(&name.node);
        let mut values = Vec::new();
        while self.continues(is_list, values.is_empty()) {
            let Some(value) = self.value(&[";", ",", "{", "}"], !is_list) else { break };
            values.push(value);
        }
        if values.is_empty() {
            let message = format!("`{}` has no value", name.node);
            self.report(Diagnostic::error("E0213", self.behind(), message));
            return Ok(());
        }
        ast.globals.push(Global { name, values });
        Ok(())
    }

    /// Whether a value of a global parameter follows, and not the next line.
    fn continues(&mut self, is_list: bool, is_first: bool) -> bool {
        let token = self.peek();
        let continues_line = match &token.kind {
            TokenKind::Word(word) => matches!(word.as_str(), "desc" | "advertise"),
            TokenKind::Text(..) => is_list || is_first,
            _ => false,
        };
        if token.gap == Gap::Line && !continues_line {
            return false;
        }
        let is_next = token.word().is_some_and(|word| {
            let next = self.peek_at(1);
            next.is("=") || next.is("{") || next.is("[") || TOP_KEYWORDS.contains(&word)
        });
        !is_next && !token.is(";")
    }

    /// Reports a name without `=` behind it.
    fn missing_sign(&mut self, name: &Spanned<String>) -> Failed {
        let known = TOP_KEYWORDS.iter().chain(BLOCK_KEYWORDS).copied();
        let is_global = globals::is_known(&name.node);
        match nearest(&name.node, known).filter(|_| !is_global) {
            Some(keyword) => {
                let message = format!("`{}` is not known", name.node);
                let diagnostic = Diagnostic::error("E0204", name.span, message);
                self.report(diagnostic.suggest(Some(keyword)));
                Failed
            }
            None => self.unexpected(&format!("`=` behind `{}`", name.node)),
        }
    }

    /// `flags NAME:1, OTHER;` A name without number gets the first free one.
    fn flags(&mut self, ast: &mut Ast) -> Parse<()> {
        self.advance();
        loop {
            let token = self.peek();
            let Some(word) = token.word() else {
                return Err(self.unexpected("the name of a flag"));
            };
            let name = Spanned { node: word.to_owned(), span: token.span };
            self.advance();
            if ast.flags.len() >= FLAG_NAME_COUNT_MAX {
                let message = "there are too many names of flags";
                self.report(Diagnostic::error("E0213", name.span, message));
                return Err(Failed);
            }
            let number = if self.take(":").is_some() { self.flag_number()? } else { None };
            let is_used = |number: &u32| ast.flags.iter().any(|(_, used)| used == number);
            let free = (0..=FLAG_MAX).find(|number| !is_used(number));
            match number.or(free) {
                Some(number) => ast.flags.push((name, number)),
                None => {
                    let message = "there are no more flags";
                    self.report(Diagnostic::error("E0213", name.span, message));
                }
            }
            if self.take(",").is_none() {
                return Ok(());
            }
        }
    }

    /// The number of a flag.
    fn flag_number(&mut self) -> Parse<Option<u32>> {
        let token = self.peek();
        let TokenKind::Number(number, _) = &token.kind else {
            return Err(self.unexpected("the number of a flag"));
        };
        self.advance();
        let number = u32::try_from(*number).ok().filter(|number| *number <= FLAG_MAX);
        if number.is_none() {
            let message = format!("flags have numbers from 0 to {FLAG_MAX}");
            self.report(Diagnostic::error("E0213", token.span, message));
        }
        Ok(number)
    }

    /// `avpflags name, other;`, which have no meaning here.
    fn avp_flags(&mut self) -> Parse<()> {
        let span: Span = self.advance().span;
        while self.peek().word().is_some() {
            self.advance();
            if self.take(",").is_none() {
                break;
            }
        }
        self.report(Diagnostic::note("N0302", span, "`avpflags` has no effect here"));
        Ok(())
    }
}

/// The kind of block that a keyword starts.
fn route_kind(keyword: &str) -> RouteKind {
    match keyword {
        "route" | "request_route" | "main_route" => RouteKind::Request,
        "onreply_route" | "on_reply_route" | "reply_route" => RouteKind::Reply,
        "failure_route" => RouteKind::Failure,
        "branch_route" => RouteKind::Branch,
        "onsend_route" => RouteKind::OnSend,
        "event_route" => RouteKind::Event,
        _ => RouteKind::Other,
    }
}

/// Names of flags: far more than there are flags.
const FLAG_NAME_COUNT_MAX: usize = 1_000;

/// Flags of a message have numbers from 0 to this.
const FLAG_MAX: u32 = 31;
