//! Expressions.

use std::net::IpAddr;

use regex::bytes::Regex;

use super::{Checker, text_of};
use crate::protocol::Transport;
use crate::script::ast::{BinaryOperator, Expression, ExpressionKind, RouteKind, Spanned};
use crate::script::checked::Node;
use crate::script::compile::subject;
use crate::script::hosts::is_host_name;
use crate::script::network::Network;
use crate::script::program::{Constant, Operand, Subject};
use crate::script::variable::Variable;
use crate::script::{PatternFlags, Severity, Span, compile_pattern};
use crate::sip::Method;

impl Checker<'_> {
    /// Checks an expression. A faulty one gives some node and an error.
    pub(super) fn expression(&mut self, expression: &Expression) -> Node {
        let span = expression.span;
        match &expression.kind {
            ExpressionKind::Binary(operator, left, right) => self.binary(*operator, left, right),
            ExpressionKind::Call(call) => self.call(call, span),
            ExpressionKind::Int(number) => Node::Constant(Constant::Int(*number)),
            ExpressionKind::Text(text, _) => {
                Node::Constant(Constant::Text(text.clone().into_boxed_slice()))
            }
            ExpressionKind::Unary(operator, inner) => {
                Node::Unary(*operator, Box::new(self.expression(inner)))
            }
            ExpressionKind::Variable(text) => self.variable(text, span).map_or(NOTHING, |found| {
                if found.plain_name() == Some("null") {
                    Node::Constant(Constant::Null)
                } else {
                    Node::Variable(found)
                }
            }),
            ExpressionKind::Word(word) => self.word(word, span),
        }
    }

    /// Checks the value of an assignment: a string is taken as it is, which may surprise.
    pub(super) fn assigned(&mut self, value: &Expression) -> Node {
        if let ExpressionKind::Text(text, _) = &value.kind
            && let Some(name) = self.variable_within(text)
        {
            let message =
                format!("`{name}` is not replaced here: strings in expressions are literal");
            let diagnostic = self.report(Severity::Warning, "W0402", message, value.span);
            diagnostic.help = Some(format!("write `\"...\" + {name}`"));
        }
        self.expression(value)
    }

    /// The first variable that stands in a text.
    fn variable_within(&mut self, text: &[u8]) -> Option<String> {
        memchr::memchr_iter(b'$', text).find_map(|at| {
            let follows = text.get(at + 1).copied()?;
            if !follows.is_ascii_alphabetic() && follows != b'(' {
                return None;
            }
            let (_, length) = Variable::parse(&text[at..], &mut self.scope).ok()?;
            Some(String::from_utf8_lossy(&text[at..at + length]).into_owned())
        })
    }

    /// Checks a variable as it stands in an expression.
    pub(super) fn variable(&mut self, text: &[u8], span: Span) -> Option<Variable> {
        match Variable::parse(text, &mut self.scope) {
            Ok((variable, length)) if length == text.len() => Some(variable),
            Ok((_, length)) => {
                let rest = String::from_utf8_lossy(&text[length..]);
                let message = format!("`{rest}` does not belong to this variable");
                let help = "with an index or a transformation a variable is written `$(name...)`";
                self.error_with_help("E0414", message, span, Some(help.to_owned()));
                None
            }
            Err(fault) => {
                self.fault(fault, span, 0, text.len());
                None
            }
        }
    }

    /// Checks the target of an assignment.
    pub(super) fn target(&mut self, target: &Spanned<Vec<u8>>) -> Option<Variable> {
        let variable = self.variable(&target.node, target.span)?;
        if variable.is_writable() {
            return Some(variable);
        }
        let message = format!("`{}` cannot be assigned to", text_of(target));
        self.error("E0413", message, target.span);
        None
    }

    /// Checks a binary operation.
    fn binary(&mut self, operator: BinaryOperator, left: &Expression, right: &Expression) -> Node {
        match operator {
            BinaryOperator::Equal | BinaryOperator::NotEqual => {
                let node = self.equal(left, right);
                if operator == BinaryOperator::NotEqual { negated(node) } else { node }
            }
            BinaryOperator::Match | BinaryOperator::NotMatch => {
                let node = self.matches(left, right);
                if operator == BinaryOperator::NotMatch { negated(node) } else { node }
            }
            _ => {
                let (left, right) = (self.expression(left), self.expression(right));
                Node::Binary(operator, Box::new(left), Box::new(right))
            }
        }
    }

    /// Checks `left == right`.
    fn equal(&mut self, left: &Expression, right: &Expression) -> Node {
        for (word, other) in [(right, left), (left, right)] {
            if is_word(word, "myself") {
                return self.is_myself(other);
            }
            if let Some(node) = self.in_network(other, word) {
                return node;
            }
            if let (true, Some(method)) = (is_word(other, "method"), bare_method(word)) {
                return Node::Method(method);
            }
        }
        let (left, right) = (self.expression(left), self.expression(right));
        let (left, right) = match left {
            Node::Constant(_) if !matches!(right, Node::Constant(_)) => (right, left),
            left => (left, right),
        };
        if let (true, Some(method)) = (is_method(&left), known_method(&right)) {
            return Node::Method(method);
        }
        Node::Binary(BinaryOperator::Equal, Box::new(left), Box::new(right))
    }

    /// Checks `other == myself`.
    fn is_myself(&mut self, other: &Expression) -> Node {
        match self.expression(other) {
            Node::Operand(operand) => match subject(operand) {
                Subject::Top => Node::Myself(Subject::Top, Some(Box::new(Node::Operand(operand)))),
                subject => Node::Myself(subject, None),
            },
            Node::Variable(variable) if variable.plain_name() == Some("ru") => {
                Node::Myself(Subject::Uri, None)
            }
            node @ Node::Variable(_) => Node::Myself(Subject::Top, Some(Box::new(node))),
            _ => {
                let message = "only a URI, a host or an address can be compared with `myself`";
                self.error("E0420", message, other.span);
                NOTHING
            }
        }
    }

    /// Checks `src_ip == network` and `dst_ip == network`; `None` if it is something else.
    fn in_network(&mut self, operand: &Expression, network: &Expression) -> Option<Node> {
        let is_source = is_word(operand, "src_ip");
        if !is_source && !is_word(operand, "dst_ip") {
            return None;
        }
        let text = match &network.kind {
            ExpressionKind::Word(word) => word.clone(),
            ExpressionKind::Text(text, _) => String::from_utf8_lossy(text).into_owned(),
            _ => return None,
        };
        if text == "src_ip" || text == "dst_ip" || text == "myself" {
            return None;
        }
        match Network::parse(&text) {
            Some(network) => Some(Node::Network { is_source, network }),
            None => Some(self.at_host(is_source, &text, network.span)),
        }
    }

    /// Checks `src_ip == host` and `dst_ip == host`: one of the addresses that it had when the
    /// script was loaded.
    fn at_host(&mut self, is_source: bool, host: &str, span: Span) -> Node {
        let message = format!("`{host}` is no address and no network");
        match self.hosts.addresses(host) {
            Some(Ok(addresses)) if !addresses.is_empty() => {
                let at = |ip: &IpAddr| Node::Network { is_source, network: Network::of(*ip) };
                let either =
                    |one, other| Node::Binary(BinaryOperator::Or, Box::new(one), Box::new(other));
                addresses.iter().map(at).reduce(either).unwrap_or(NOTHING)
            }
            Some(Err(why)) if !self.hosts.is_strict() => {
                let message = format!("`{host}` has no address on this machine: {why}");
                self.report(Severity::Warning, "W0302", message, span);
                NOTHING
            }
            // Of a script with errors no names were asked for.
            None if !self.hosts.is_strict() && is_host_name(host) => NOTHING,
            found => {
                let help = match found {
                    Some(Err(why)) => format!("it is not known as a host either: {why}"),
                    Some(Ok(_)) => "the host of that name has no address".to_owned(),
                    None => "write an address (192.0.2.1), a network (192.0.2.0/24, \
                             192.0.2.0/255.255.255.0), a host or `myself`"
                        .to_owned(),
                };
                self.error_with_help("E0420", message, span, Some(help));
                NOTHING
            }
        }
    }

    /// Checks `left =~ right`.
    fn matches(&mut self, left: &Expression, right: &Expression) -> Node {
        let subject = Box::new(self.expression(left));
        match &right.kind {
            ExpressionKind::Text(pattern, _) => match self.pattern(pattern, right.span) {
                Some(regex) => Node::Match { subject, regex },
                None => NOTHING,
            },
            _ => {
                let pattern = Box::new(self.expression(right));
                Node::Binary(BinaryOperator::Match, subject, pattern)
            }
        }
    }

    /// Compiles a regular expression of the core language.
    pub(super) fn pattern(&mut self, pattern: &[u8], span: Span) -> Option<Regex> {
        match compile_pattern(pattern, PatternFlags::OPERATOR) {
            Ok(regex) => Some(regex),
            Err(reason) => {
                let message = format!("this is no regular expression: {reason}");
                self.error("E0421", message, span);
                None
            }
        }
    }

    /// Checks a bare word.
    fn word(&mut self, word: &str, span: Span) -> Node {
        if let Some((_, operand)) = OPERANDS.iter().find(|(name, _)| *name == word) {
            return Node::Operand(*operand);
        }
        if let Some(number) = number(word) {
            return Node::Constant(Constant::Int(number));
        }
        if word == "NULL" || word == "null" {
            return NOTHING;
        }
        if word.starts_with('@') {
            let help = "use a pseudo-variable such as `$tt`, `$fU` or `$hdr(name)`".to_owned();
            let message = format!("the select `{word}` is not supported yet");
            self.error_with_help("E0403", message, span, Some(help));
            return NOTHING;
        }
        if OF_SENT.contains(&word) {
            if self.kinds != [RouteKind::OnSend] {
                let message = format!("`{word}` is known in `onsend_route` only");
                self.error("E0422", message, span);
            }
            // Such a block never runs, which is told of the whole of it.
            return NOTHING;
        }
        if word == "myself" {
            let message = "`myself` can only be compared with `==` and `!=`";
            self.error("E0422", message, span);
            return NOTHING;
        }
        let is_method = Method::parse(word.as_bytes()) != Method::Other;
        if is_method || Network::parse(word).is_some() {
            return Node::Constant(Constant::Text(word.as_bytes().into()));
        }
        let names = OPERANDS.iter().map(|(name, _)| *name).chain(["myself"]);
        let message = format!("`{word}` has no meaning here");
        match self.nearest(word, names) {
            Some(meant) => {
                let written = Spanned { node: word.to_owned(), span };
                self.misspelt("E0422", message, &written, Some(meant));
            }
            None => {
                let help = format!("a string is written in quotes: \"{word}\"");
                self.error_with_help("E0422", message, span, Some(help));
            }
        }
        NOTHING
    }
}

/// `$null`, and what stands for a faulty expression.
const NOTHING: Node = Node::Constant(Constant::Null);

/// Bare words that stand for something of the message.
const OPERANDS: &[(&str, Operand)] = &[
    ("af", Operand::Af),
    ("dst_ip", Operand::DstIp),
    ("dst_port", Operand::DstPort),
    ("from_uri", Operand::FromUri),
    ("method", Operand::Method),
    ("msg:len", Operand::MsgLen),
    ("proto", Operand::Proto),
    ("retcode", Operand::Retcode),
    ("src_ip", Operand::SrcIp),
    ("src_port", Operand::SrcPort),
    ("status", Operand::Status),
    ("to_uri", Operand::ToUri),
    ("uri", Operand::Uri),
    ("uri:host", Operand::UriHost),
    ("uri:port", Operand::UriPort),
];

/// Bare words that stand for something of a message that is being sent.
const OF_SENT: &[&str] = &["snd_af", "snd_ip", "snd_port", "snd_proto", "to_ip", "to_port"];

/// Bare words that stand for numbers.
const NUMBERS: &[(&str, i64)] = &[
    ("INET", crate::script::vm::AF_INET),
    ("INET6", crate::script::vm::AF_INET6),
    ("SCTP", 4),
    ("TCP", Transport::Tcp.number()),
    ("TLS", Transport::Tls.number()),
    ("UDP", Transport::Udp.number()),
    ("WS", 5),
    ("WSS", 6),
    ("inet", crate::script::vm::AF_INET),
    ("inet6", crate::script::vm::AF_INET6),
    ("max_len", 4096),
    ("no", 0),
    ("off", 0),
    ("on", 1),
    ("sctp", 4),
    ("tcp", Transport::Tcp.number()),
    ("tls", Transport::Tls.number()),
    ("udp", Transport::Udp.number()),
    ("ws", 5),
    ("wss", 6),
    ("yes", 1),
];

/// The number that a bare word is.
pub(super) fn number(word: &str) -> Option<i64> {
    NUMBERS.iter().find(|(name, _)| *name == word).map(|(_, number)| *number)
}

/// The operand that a bare word is.
pub(super) fn operand(word: &str) -> Option<Operand> {
    OPERANDS.iter().find(|(name, _)| *name == word).map(|(_, operand)| *operand)
}

/// Whether an expression is that bare word.
fn is_word(expression: &Expression, word: &str) -> bool {
    matches!(&expression.kind, ExpressionKind::Word(found) if found == word)
}

/// The opposite of a condition.
fn negated(node: Node) -> Node {
    Node::Unary(crate::script::ast::UnaryOperator::Not, Box::new(node))
}

/// The method that a bare word is: `method == INVITE`.
fn bare_method(expression: &Expression) -> Option<Method> {
    match &expression.kind {
        ExpressionKind::Word(word) => {
            Some(Method::parse(word.as_bytes())).filter(|method| *method != Method::Other)
        }
        _ => None,
    }
}

/// Whether a node is the method.
fn is_method(node: &Node) -> bool {
    match node {
        Node::Operand(Operand::Method) => true,
        Node::Variable(variable) => variable.plain_name() == Some("rm"),
        _ => false,
    }
}

/// The method that a node names.
fn known_method(node: &Node) -> Option<Method> {
    match node {
        Node::Constant(Constant::Text(name)) => {
            Some(Method::parse(name)).filter(|method| *method != Method::Other)
        }
        _ => None,
    }
}
