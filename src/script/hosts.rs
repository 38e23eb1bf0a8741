//! What the names in a script stand for: of hosts, of interfaces, of the machine itself. They are
//! asked for once, when the script is loaded.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::ast::{Ast, BinaryOperator, Expression, ExpressionKind};
use super::network::Network;
use super::{Reader, walk};

/// The hosts that addresses are compared with, and what they stand for.
#[derive(Clone, Debug, Default)]
pub struct HostTable {
    /// The addresses of each, or why there are none.
    known: BTreeMap<String, Result<Vec<IpAddr>, String>>,
    /// See [`Reader::runs_here`].
    runs_here: bool,
}

impl HostTable {
    /// The hosts of a script, asked for.
    pub(super) fn of(ast: &Ast, reader: &dyn Reader) -> Self {
        let mut table = Self { known: BTreeMap::new(), runs_here: reader.runs_here() };
        let mut visit = |expression: &Expression| {
            if let Some(name) = compared(expression).filter(|name| is_host_name(name))
                && table.known.len() < HOST_COUNT_MAX
                && !table.known.contains_key(&name)
            {
                let addresses = reader.addresses(&name);
                table.known.insert(name, addresses);
            }
        };
        ast.routes.iter().for_each(|route| walk::expressions(&route.body, &mut visit));
        table
    }

    /// What a name stands for; `None` if it is none of a host.
    pub(super) fn addresses(&self, name: &str) -> Option<&Result<Vec<IpAddr>, String>> {
        self.known.get(name)
    }

    /// Whether a name that stands for nothing is an error.
    pub(super) const fn is_strict(&self) -> bool {
        self.runs_here
    }
}

/// Names of hosts that a script may have: each is asked for when it is loaded.
const HOST_COUNT_MAX: usize = 1_000;

/// What `src_ip` or `dst_ip` is compared with, if that is no operand and no address.
fn compared(expression: &Expression) -> Option<String> {
    let ExpressionKind::Binary(BinaryOperator::Equal | BinaryOperator::NotEqual, left, right) =
        &expression.kind
    else {
        return None;
    };
    let is_address = |side: &Expression| match &side.kind {
        ExpressionKind::Word(word) => word == "src_ip" || word == "dst_ip",
        _ => false,
    };
    let other = match (is_address(left), is_address(right)) {
        (true, false) => right,
        (false, true) => left,
        _ => return None,
    };
    let text = match &other.kind {
        ExpressionKind::Word(word) => word.clone(),
        ExpressionKind::Text(text, _) => String::from_utf8_lossy(text).into_owned(),
        _ => return None,
    };
    (text != "myself" && Network::parse(&text).is_none()).then_some(text)
}

/// Whether a text can be the name of a host: a number is none, nor is a mistyped address.
pub(super) fn is_host_name(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let last = text.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    text.len() <= 255
        && text.bytes().all(is_part)
        && last.bytes().any(|byte| byte.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_hosts_are_told_from_addresses() {
        for name in ["localhost", "gw-1.example.com", "a", "example.com.", "1.2.3.4.example"] {
            assert!(is_host_name(name), "{name}");
        }
        let long = "a".repeat(256);
        for text in ["", "192.0.2.1", "192.0.2.999", "1.2.3", "a/24", "a b", "::1", ".", &long] {
            assert!(!is_host_name(text), "{text}");
        }
    }
}
