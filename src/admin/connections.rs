//! Commands about connections.

use std::fmt::Write as _;
use std::sync::Arc;

use super::answer::{Failure, Rest, Steps};
use super::general::none;
use super::page::Page;
use super::scene::Scene;
use crate::connections::{Card, ConnectionState};
use crate::limits::CONTROL_STEP_AORS;
use crate::protocol::Transport;

/// `tcp_info`: the names are those of Kamailio.
pub(super) fn tcp_info(
    scene: &Scene<'_>,
    words: &[&str],
    page: &mut Page,
) -> Result<Rest, Failure> {
    none(words)?;
    let directory = scene.connections;
    let settings = directory.settings();
    let (all, tls) = directory.counts();
    let maximum = settings.count_max as u64;
    let values = [
        ("readers", directory.worker_count() as u64),
        ("max_connections", maximum),
        ("max_tls_connections", maximum),
        ("opened_connections", all as u64),
        ("opened_tls_connections", tls as u64),
        ("write_queued_bytes", directory.queued_bytes() as u64),
    ];
    page.entry(
        |text| {
            let lines: Vec<_> =
                values.iter().map(|(name, value)| format!("{name}: {value}")).collect();
            text.push_str(&lines.join("\n"));
        },
        |fields| values.iter().for_each(|(name, value)| fields.number(name, *value)),
    );
    Ok(Rest::Nothing)
}

/// `tcp_list`.
pub(super) fn tcp_list(scene: &Scene<'_>, words: &[&str], _: &mut Page) -> Result<Rest, Failure> {
    none(words)?;
    Ok(Rest::Steps(Box::new(List { cards: scene.connections.cards(), shown: 0 })))
}

/// A list of connections in the making: those that there were when it began.
#[derive(Debug)]
struct List {
    cards: Vec<Arc<Card>>,
    shown: usize,
}

impl Steps for List {
    fn step(&mut self, scene: &Scene<'_>, page: &mut Page) -> bool {
        let lifetime = u64::from(scene.connections.settings().lifetime_seconds);
        let end = self.cards.len().min(self.shown + CONTROL_STEP_AORS);
        for card in &self.cards[self.shown..end] {
            show(card, lifetime, scene.now.monotonic_ms, page);
        }
        self.shown = end;
        end < self.cards.len()
    }
}

/// Writes a connection.
fn show(card: &Card, lifetime: u64, now_ms: u64, page: &mut Page) {
    let Card { number, transport, peer, local, .. } = card;
    let left = (card.active_ms() / 1_000 + lifetime).saturating_sub(now_ms / 1_000);
    let state = match card.state() {
        ConnectionState::Connecting => "CONN_CONNECT",
        ConnectionState::Open => "CONN_OK",
        ConnectionState::Closing | ConnectionState::Ending => "CONN_EOF",
    };
    let transport = Transport::in_via(*transport);
    page.entry(
        |text| {
            // A string takes all that is written to it.
            let _ = write!(text, "{number} {transport} {state} {left} {peer} {local}");
        },
        |fields| {
            fields.number("id", *number);
            fields.text("type", transport);
            fields.text("state", state);
            fields.number("timeout", left);
            fields.number("lifetime", lifetime);
            fields.text("src_ip", &peer.ip().to_string());
            fields.number("src_port", u64::from(peer.port()));
            fields.text("dst_ip", &local.ip().to_string());
            fields.number("dst_port", u64::from(local.port()));
        },
    );
}
