//! Comparisons that are always true or always false.

use super::super::Checker;
use crate::script::ast::{BinaryOperator, Expression, ExpressionKind};
use crate::script::{Severity, Span, parse_int, walk};

/// Warns of them.
pub(super) fn lint(checker: &mut Checker<'_>) {
    let mut found = Vec::new();
    for route in &checker.ast.routes {
        walk::expressions(&route.body, &mut |expression| found.extend(verdict(expression)));
    }
    for (span, is_true, why) in found {
        let message = format!("this is always {is_true}: {why}");
        checker.report(Severity::Warning, "W0408", message, span);
    }
}

/// Where it is always what, and why.
type Verdict = (Span, bool, String);

/// Whether an expression is always true or always false.
fn verdict(expression: &Expression) -> Option<Verdict> {
    let ExpressionKind::Binary(operator, left, right) = &expression.kind else { return None };
    match operator {
        BinaryOperator::Equal => with_itself(left, right, true)
            .or_else(|| impossible(left, right, false))
            .or_else(|| impossible(right, left, false)),
        BinaryOperator::NotEqual => with_itself(left, right, false)
            .or_else(|| impossible(left, right, true))
            .or_else(|| impossible(right, left, true)),
        BinaryOperator::And => exclusive(left, right, BinaryOperator::Equal),
        BinaryOperator::Or => exclusive(left, right, BinaryOperator::NotEqual),
        _ => None,
    }
    .map(|(is_true, why)| (expression.span, is_true, why))
}

/// The verdict on something that is compared with itself.
fn with_itself(left: &Expression, right: &Expression, is_true: bool) -> Option<(bool, String)> {
    let is_same = match (&left.kind, &right.kind) {
        (ExpressionKind::Variable(left), ExpressionKind::Variable(right)) => {
            left == right && !CHANGING.iter().any(|name| left.starts_with(name))
        }
        (ExpressionKind::Word(left), ExpressionKind::Word(right)) => {
            left == right && Subject::of_word(left).is_some()
        }
        _ => false,
    };
    is_same.then(|| (is_true, "both sides are the same".to_owned()))
}

/// Variables that differ each time they are read.
const CHANGING: &[&[u8]] = &[b"$RANDOM", b"$TV", b"$utime", b"$sht", b"$shv"];

/// The verdict on something that is compared with what it can never be.
fn impossible(subject: &Expression, value: &Expression, is_true: bool) -> Option<(bool, String)> {
    let why = match (Subject::of(subject)?, &value.kind) {
        (Subject::Method, ExpressionKind::Text(text, _)) => {
            let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(byte);
            let is_possible = text.is_empty() || text.iter().all(is_token);
            (!is_possible).then_some("no method has such a name; `=~` or `is_method` match several")
        }
        (Subject::Port, ExpressionKind::Int(number)) => {
            (!(0..=65_535).contains(number)).then_some("ports go from 0 to 65535")
        }
        (Subject::Status, ExpressionKind::Int(number)) => {
            (!(0..=699).contains(number)).then_some("status codes go from 100 to 699")
        }
        (Subject::Status, ExpressionKind::Text(text, _)) => parse_int(text)
            .is_none()
            .then_some("status codes are numbers; `=~ \"^4\"` matches several"),
        (Subject::Uri, ExpressionKind::Text(text, _)) => {
            (!text.is_empty() && !text.contains(&b':') && !text.contains(&b'$'))
                .then_some("a URI starts with its scheme, as in `sip:`")
        }
        _ => None,
    };
    why.map(|why| (is_true, why.to_owned()))
}

/// The verdict on `x == a && x == b`, or `x != a || x != b`.
fn exclusive(
    left: &Expression,
    right: &Expression,
    operator: BinaryOperator,
) -> Option<(bool, String)> {
    let (subject, one) = comparison(left, operator)?;
    let (other_subject, other) = comparison(right, operator)?;
    if subject != other_subject || !differ(one, other) {
        return None;
    }
    let name = String::from_utf8_lossy(subject);
    Some(match operator {
        BinaryOperator::Equal => (false, format!("`{name}` cannot be both; write `||`")),
        _ => (true, format!("`{name}` always differs from one of them; write `&&`")),
    })
}

/// The variable or operand of a comparison, and the constant that it is compared with.
fn comparison(
    expression: &Expression,
    operator: BinaryOperator,
) -> Option<(&[u8], &ExpressionKind)> {
    let ExpressionKind::Binary(found, left, right) = &expression.kind else { return None };
    if *found != operator {
        return None;
    }
    let subject = match &left.kind {
        ExpressionKind::Variable(name) if !CHANGING.iter().any(|it| name.starts_with(it)) => {
            name.as_slice()
        }
        ExpressionKind::Word(word) if Subject::of_word(word).is_some() => word.as_bytes(),
        _ => return None,
    };
    Some((subject, &right.kind))
}

/// Whether two constants can never be equal to the same value.
fn differ(one: &ExpressionKind, other: &ExpressionKind) -> bool {
    match (one, other) {
        (ExpressionKind::Int(one), ExpressionKind::Int(other)) => one != other,
        (ExpressionKind::Text(one, _), ExpressionKind::Text(other, _)) => {
            // Texts of URIs may differ and mean the same.
            let is_plain = |text: &[u8]| !text.iter().any(|byte| b":;?%".contains(byte));
            !one.eq_ignore_ascii_case(other) && is_plain(one) && is_plain(other)
        }
        _ => false,
    }
}

/// What is compared, where it is known what it can be.
#[derive(Clone, Copy)]
enum Subject {
    /// The method.
    Method,
    /// A port.
    Port,
    /// The status code of a response.
    Status,
    /// A URI.
    Uri,
}

impl Subject {
    /// What an expression is.
    fn of(expression: &Expression) -> Option<Self> {
        match &expression.kind {
            ExpressionKind::Word(word) => Self::of_word(word),
            ExpressionKind::Variable(name) => match name.as_slice() {
                b"$rm" => Some(Self::Method),
                b"$sp" | b"$Rp" => Some(Self::Port),
                b"$rs" => Some(Self::Status),
                b"$ru" | b"$ou" => Some(Self::Uri),
                _ => None,
            },
            _ => None,
        }
    }

    /// What an operand of the core is.
    fn of_word(word: &str) -> Option<Self> {
        match word {
            "method" => Some(Self::Method),
            "src_port" | "dst_port" => Some(Self::Port),
            "status" => Some(Self::Status),
            "uri" | "from_uri" | "to_uri" => Some(Self::Uri),
            _ => None,
        }
    }
}
