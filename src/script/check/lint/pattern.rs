//! Regular expressions that match nothing.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind, Look};

use super::super::Checker;
use super::regexes;
use crate::script::ast::{BinaryOperator, CaseLabel, Expression, ExpressionKind, StatementKind};
use crate::script::{PatternFlags, Severity, Span, compile_pattern, walk};

/// Warns of them.
pub(super) fn lint(checker: &mut Checker<'_>) {
    let mut found = Vec::new();
    let mut look = |pattern: &[u8], flags, subject, span| {
        found.extend(why_never(pattern, flags, subject).map(|why| (span, why)));
    };
    for route in &checker.ast.routes {
        walk::expressions(&route.body, &mut |expression| {
            if let Some((subject, pattern, span)) = matching(expression) {
                look(pattern, PatternFlags::OPERATOR, Alphabet::of(subject), span);
            }
        });
        walk::calls(&route.body, &mut |call| {
            for (pattern, span) in regexes(checker.registry, call) {
                look(pattern, PatternFlags::TEXTOPS, Alphabet::Any, span);
            }
        });
        for statement in &route.body {
            walk::each_statement(statement, &mut |statement| {
                let StatementKind::Switch { value, cases } = &statement.kind else { return };
                for case in cases {
                    if let CaseLabel::Regex(pattern) = &case.label {
                        let alphabet = Alphabet::of(value);
                        look(&pattern.node, PatternFlags::OPERATOR, alphabet, pattern.span);
                    }
                }
            });
        }
    }
    for (span, why) in found {
        let message = format!("this can never match: {why}");
        checker.report(Severity::Warning, "W0409", message, span);
    }
}

/// What is matched with which pattern, and where that is.
fn matching(expression: &Expression) -> Option<(&Expression, &[u8], Span)> {
    match &expression.kind {
        ExpressionKind::Binary(
            BinaryOperator::Match | BinaryOperator::NotMatch,
            subject,
            pattern,
        ) => match &pattern.kind {
            ExpressionKind::Text(text, _) => Some((subject, text, pattern.span)),
            _ => None,
        },
        _ => None,
    }
}

/// Why a pattern never matches, if so.
fn why_never(pattern: &[u8], flags: PatternFlags, alphabet: Alphabet) -> Option<&'static str> {
    let regex = compile_pattern(pattern, flags).ok()?;
    let hir = ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .case_insensitive(flags.ignore_case)
        .dot_matches_new_line(!flags.newline_sensitive)
        .build()
        .parse(regex.as_str())
        .ok()?;
    misplaced_anchor(&hir)
        .or_else(|| needs(&hir, &|byte| !alphabet.has(byte)).then(|| alphabet.why()))
}

/// Whether an anchor stands where the text cannot start or end, on every way through a pattern.
fn misplaced_anchor(hir: &Hir) -> Option<&'static str> {
    match hir.kind() {
        HirKind::Concat(parts) => {
            let takes = |part: &Hir| part.properties().minimum_len().is_some_and(|least| least > 0);
            for (position, part) in parts.iter().enumerate() {
                let (before, behind) = (&parts[..position], &parts[position + 1..]);
                let properties = part.properties();
                if before.iter().any(takes) && properties.look_set_prefix().contains(Look::Start) {
                    return Some("something stands before the `^`");
                }
                if behind.iter().any(takes) && properties.look_set_suffix().contains(Look::End) {
                    return Some("something stands behind the `$`");
                }
            }
            parts.iter().find_map(misplaced_anchor)
        }
        HirKind::Alternation(parts) => {
            let first = parts.first().and_then(misplaced_anchor)?;
            parts.iter().all(|part| misplaced_anchor(part).is_some()).then_some(first)
        }
        HirKind::Capture(capture) => misplaced_anchor(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => misplaced_anchor(&repetition.sub),
        _ => None,
    }
}

/// Whether each text that a pattern matches has a byte for which `is_foreign` holds.
fn needs(hir: &Hir, is_foreign: &dyn Fn(u8) -> bool) -> bool {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => false,
        HirKind::Literal(literal) => literal.0.iter().copied().any(is_foreign),
        HirKind::Class(Class::Bytes(class)) => {
            class.ranges().iter().all(|range| (range.start()..=range.end()).all(is_foreign))
        }
        HirKind::Class(Class::Unicode(_)) => false,
        HirKind::Repetition(repetition) => repetition.min > 0 && needs(&repetition.sub, is_foreign),
        HirKind::Capture(capture) => needs(&capture.sub, is_foreign),
        HirKind::Concat(parts) => parts.iter().any(|part| needs(part, is_foreign)),
        HirKind::Alternation(parts) => parts.iter().all(|part| needs(part, is_foreign)),
    }
}

/// The bytes that something is made of.
#[derive(Clone, Copy)]
enum Alphabet {
    /// An address.
    Address,
    /// Any.
    Any,
    /// Digits.
    Digits,
    /// No white space.
    NoSpace,
}

impl Alphabet {
    /// That of an expression.
    fn of(expression: &Expression) -> Self {
        let name = match &expression.kind {
            ExpressionKind::Word(word) => word.as_bytes(),
            ExpressionKind::Variable(name) => name.as_slice(),
            _ => return Self::Any,
        };
        match name {
            b"src_ip" | b"dst_ip" | b"$si" | b"$Ri" => Self::Address,
            b"status" | b"src_port" | b"dst_port" | b"$rs" | b"$sp" | b"$Rp" => Self::Digits,
            b"uri" | b"method" | b"$ou" | b"$rm" | b"$ru" | b"$rU" | b"$rd" => Self::NoSpace,
            _ => Self::Any,
        }
    }

    /// Whether a byte is in it.
    const fn has(self, byte: u8) -> bool {
        match self {
            Self::Address => byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':' | b'[' | b']'),
            Self::Any => true,
            Self::Digits => byte.is_ascii_digit(),
            Self::NoSpace => !byte.is_ascii_whitespace(),
        }
    }

    /// Why something with other bytes never matches.
    const fn why(self) -> &'static str {
        match self {
            Self::Address => "an address consists of digits, dots and colons",
            Self::Any => "it matches nothing at all",
            Self::Digits => "this is a number",
            Self::NoSpace => "there is no white space in what is matched",
        }
    }
}
