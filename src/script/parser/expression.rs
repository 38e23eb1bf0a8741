//! Expressions.

use super::{Parse, Parser};
use crate::script::Span;
use crate::script::ast::{
    BinaryOperator, Call, Expression, ExpressionKind, Spanned, UnaryOperator,
};
use crate::script::diagnostic::Diagnostic;
use crate::script::lexer::{Gap, Token, TokenKind};

impl Parser<'_> {
    /// An expression.
    pub(super) fn expression(&mut self) -> Parse<Expression> {
        self.binary(0)
    }

    /// Operands joined by operators that bind at least as tightly as `level`.
    fn binary(&mut self, level: u8) -> Parse<Expression> {
        let mut left = self.unary()?;
        while let Some((operator, tightness)) = binary_operator(self.peek()) {
            if tightness < level {
                break;
            }
            let mark = self.advance();
            if mark.is("=") {
                self.report_assignment(mark.span);
            }
            self.operators += 1;
            if self.operators > OPERATOR_COUNT_MAX {
                return Err(self.too_deep());
            }
            self.warn_of_not(operator, &left, mark.span);
            let right = self.nested(|parser| parser.binary(tightness + 1))?;
            let span = left.span.to(right.span);
            let kind = ExpressionKind::Binary(operator, Box::new(left), Box::new(right));
            left = Expression { kind, span };
        }
        Ok(left)
    }

    /// An operand with the operators before it.
    fn unary(&mut self) -> Parse<Expression> {
        let token = self.peek();
        let Some(operator) = self.unary_operator() else { return self.operand() };
        let is_cast = matches!(operator, UnaryOperator::ToInt | UnaryOperator::ToText);
        for _ in 0..if is_cast { 3 } else { 1 } {
            self.advance();
        }
        let operand = if operator == UnaryOperator::Not && self.at_operand_word() {
            // Stock scripts write `!uri==myself` and mean not (uri == myself).
            self.nested(|parser| parser.binary(EQUALITY))?
        } else {
            self.nested(Self::unary)?
        };
        let span = token.span.to(operand.span);
        let kind = match (operator, operand.kind) {
            (UnaryOperator::Negate, ExpressionKind::Int(number)) => {
                ExpressionKind::Int(number.wrapping_neg())
            }
            (operator, kind) => {
                let operand = Expression { kind, span: operand.span };
                ExpressionKind::Unary(operator, Box::new(operand))
            }
        };
        Ok(Expression { kind, span })
    }

    /// The unary operator that starts here.
    fn unary_operator(&self) -> Option<UnaryOperator> {
        let cast = || {
            let name = self.peek_at(1).word()?;
            self.peek_at(2).is(")").then_some(())?;
            match name {
                "int" => Some(UnaryOperator::ToInt),
                "str" => Some(UnaryOperator::ToText),
                _ => None,
            }
        };
        match &self.peek().kind {
            TokenKind::Mark("!") => Some(UnaryOperator::Not),
            TokenKind::Mark("-") => Some(UnaryOperator::Negate),
            TokenKind::Mark("~") => Some(UnaryOperator::BitNot),
            TokenKind::Mark("(") => cast(),
            TokenKind::Word(word) => match word.as_str() {
                "not" => Some(UnaryOperator::Not),
                "defined" => Some(UnaryOperator::Defined),
                "strlen" => Some(UnaryOperator::StrLen),
                "strempty" => Some(UnaryOperator::StrEmpty),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether an operand of the core language stands here, and no call.
    fn at_operand_word(&self) -> bool {
        let is_word = self.peek().word().is_some_and(|word| !WORD_OPERATORS.contains(&word));
        is_word && !self.peek_at(1).is("(")
    }

    /// An operand.
    fn operand(&mut self) -> Parse<Expression> {
        let token = self.peek();
        let kind = match &token.kind {
            TokenKind::Mark("(") => return self.group(),
            TokenKind::Mark("[") => return self.bare(),
            TokenKind::Mark(":") if self.peek_at(1).is(":") => return self.bare(),
            TokenKind::Number(..) => return self.bare(),
            TokenKind::Text(..) => {
                let text = self.text();
                return text.ok_or_else(|| self.unexpected("a string"));
            }
            TokenKind::Variable(name) => ExpressionKind::Variable(name.clone()),
            TokenKind::Word(word) if self.peek_at(1).is("(") || self.text_follows() => {
                let name = Spanned { node: word.clone(), span: token.span };
                self.advance();
                let call = self.call(name)?;
                let span = token.span.to(self.previous());
                return Ok(Expression { kind: ExpressionKind::Call(call), span });
            }
            TokenKind::Word(_) if !self.at_boundary() || self.at_operand_word() => {
                return self.bare();
            }
            _ => return Err(self.unexpected("a value")),
        };
        self.advance();
        Ok(Expression { kind, span: token.span })
    }

    /// An expression in parentheses.
    fn group(&mut self) -> Parse<Expression> {
        let open = self.advance().span;
        let in_label = std::mem::replace(&mut self.in_label, false);
        let inner = self.nested(|parser| parser.binary(0));
        self.in_label = in_label;
        let inner = inner?;
        let close = self.close(open)?;
        Ok(Expression { kind: inner.kind, span: open.to(close) })
    }

    /// A string; strings next to each other are one.
    pub(super) fn text(&mut self) -> Option<Expression> {
        let first = self.peek();
        let TokenKind::Text(text, style) = &first.kind else { return None };
        self.advance();
        let mut text = text.clone();
        while let TokenKind::Text(more, _) = &self.peek().kind {
            text.extend_from_slice(more);
            self.advance();
        }
        let span = first.span.to(self.previous());
        Some(Expression { kind: ExpressionKind::Text(text, *style), span })
    }

    /// The arguments of a call, from the `(` on.
    pub(super) fn call(&mut self, name: Spanned<String>) -> Parse<Call> {
        let open = if self.at_argument() {
            let behind = self.behind();
            self.report(Diagnostic::error("E0202", behind, "missing `(`").missing("("));
            behind
        } else {
            self.expect("(")?
        };
        let in_label = std::mem::replace(&mut self.in_label, false);
        let arguments = self.arguments(name.node == "route");
        self.in_label = in_label;
        let arguments = match arguments {
            Ok(arguments) => arguments,
            Err(failed) => {
                self.skip_arguments();
                self.take(")");
                return Err(failed);
            }
        };
        self.close(open)?;
        Ok(Call { name, arguments })
    }

    /// Whether a string follows the next token on its line, which is a call without `(` then.
    fn text_follows(&self) -> bool {
        let next = self.peek_at(1);
        matches!(next.kind, TokenKind::Text(..)) && next.gap != Gap::Line
    }

    /// Whether a string stands here where a call should have its `(`.
    pub(super) fn at_argument(&self) -> bool {
        matches!(self.peek().kind, TokenKind::Text(..)) && self.peek().gap != Gap::Line
    }

    /// Arguments with commas between them, up to what cannot be one.
    fn arguments(&mut self, is_route: bool) -> Parse<Vec<Expression>> {
        let mut arguments = Vec::new();
        if self.peek().is(")") || self.at_boundary() && !self.at_operand_word() {
            return Ok(arguments);
        }
        loop {
            let name = if is_route { self.route_name() } else { None };
            arguments.push(match name {
                Some(name) => name,
                None => self.nested(|parser| parser.binary(0))?,
            });
            if self.take(",").is_some() {
                continue;
            }
            let next = self.peek();
            let is_value = matches!(next.kind, TokenKind::Text(..) | TokenKind::Number(..));
            if !(is_value || matches!(next.kind, TokenKind::Variable(_)) && !self.at_boundary()) {
                return Ok(arguments);
            }
            self.report(Diagnostic::error("E0211", self.behind(), "missing `,`").missing(","));
        }
    }

    /// The bare name of a route block, in which any mark may stand.
    fn route_name(&mut self) -> Option<Expression> {
        let start = self.at;
        if !matches!(self.peek().kind, TokenKind::Word(_) | TokenKind::Number(..)) {
            return None;
        }
        let (text, span) = self.run(&[")", ",", ";", "(", "+"])?;
        if !self.peek().is(")") && !self.peek().is(",") {
            self.at = start;
            return None;
        }
        let kind = match text.parse() {
            Ok(number) => ExpressionKind::Int(number),
            Err(_) => ExpressionKind::Word(text),
        };
        Some(Expression { kind, span })
    }

    /// Reports a `=` in a condition, which is then taken as `==`.
    fn report_assignment(&mut self, span: Span) {
        let message = "`=` assigns and cannot stand in a condition";
        let diagnostic = Diagnostic::error("E0208", span, message);
        self.report(diagnostic.help("write `==` to compare").fix(span, "=="));
    }

    /// Warns of `!$x == y`, which does not mean what it seems to.
    fn warn_of_not(&mut self, operator: BinaryOperator, left: &Expression, mark: Span) {
        let compares = matches!(
            operator,
            BinaryOperator::Equal
                | BinaryOperator::NotEqual
                | BinaryOperator::Match
                | BinaryOperator::NotMatch
        );
        let ExpressionKind::Unary(UnaryOperator::Not, operand) = &left.kind else { return };
        if compares && matches!(operand.kind, ExpressionKind::Variable(_)) {
            let message = "`!` is applied before the comparison";
            self.report(
                Diagnostic::warning("W0202", left.span, message)
                    .also(mark, "compares the negated value")
                    .help("put parentheses around what is to be negated"),
            );
        }
    }
}

/// The binary operator that a token is, and how tightly it binds.
fn binary_operator(token: &Token) -> Option<(BinaryOperator, u8)> {
    use BinaryOperator as Op;
    let text = match &token.kind {
        TokenKind::Mark(mark) => mark,
        TokenKind::Word(word) if token.gap != Gap::None => word.as_str(),
        _ => return None,
    };
    Some(match text {
        "||" | "or" => (Op::Or, 1),
        "&&" | "and" => (Op::And, 2),
        "|" => (Op::BitOr, 3),
        "^" => (Op::BitXor, 4),
        "&" => (Op::BitAnd, 5),
        "==" | "=" | "eq" | "ieq" | "seq" => (Op::Equal, EQUALITY),
        "!=" | "ne" | "ine" | "sne" => (Op::NotEqual, EQUALITY),
        "=~" => (Op::Match, EQUALITY),
        "!~" => (Op::NotMatch, EQUALITY),
        "<" => (Op::Less, 7),
        "<=" => (Op::LessEqual, 7),
        ">" => (Op::Greater, 7),
        ">=" => (Op::GreaterEqual, 7),
        "<<" => (Op::ShiftLeft, 8),
        ">>" => (Op::ShiftRight, 8),
        "+" => (Op::Add, 9),
        "-" => (Op::Subtract, 9),
        "*" => (Op::Multiply, 10),
        "/" => (Op::Divide, 10),
        "%" | "mod" => (Op::Modulo, 10),
        _ => return None,
    })
}

/// How tightly `==` and `=~` bind.
const EQUALITY: u8 = 6;

/// Operators within one statement; bounds the height of the tree, to which a chain of operators
/// adds one for each.
const OPERATOR_COUNT_MAX: usize = 1_000;

/// Words that are operators.
const WORD_OPERATORS: &[&str] =
    &["and", "or", "not", "mod", "eq", "ieq", "seq", "ne", "ine", "sne", "defined"];
