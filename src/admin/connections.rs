//! Commands about connections.

use std::fmt::Write as _;
use std::sync::Arc;

use super::answer::{Failure, Rest, Steps};
use super::general::{date, none};
use super::page::{Page, push_visible};
use super::scene::{Certificate, Scene};
use crate::connections::{Card, ConnectionState, Security};
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

/// `tls.info`.
pub(super) fn tls_info(
    scene: &Scene<'_>,
    words: &[&str],
    page: &mut Page,
) -> Result<Rest, Failure> {
    none(words)?;
    let maximum = scene.connections.settings().count_max as u64;
    let (_, opened) = scene.connections.counts();
    page.entry(
        |text| {
            // A string takes all that is written to it.
            let _ = write!(text, "max_connections: {maximum}\nopened_connections: {opened}");
        },
        |fields| {
            fields.number("max_connections", maximum);
            fields.number("opened_connections", opened as u64);
        },
    );
    for certificate in scene.certificates.list() {
        let Certificate { file, subject, issuer, not_after_seconds } = certificate;
        let days = not_after_seconds.saturating_sub(scene.now.wall_seconds) / 86_400;
        page.entry(
            |text| {
                let (end, plural) = (date(not_after_seconds), if days == 1 { "" } else { "s" });
                let line = format!("{file}: {subject} by {issuer} until {end}, {days} day{plural}");
                push_visible(text, line.as_bytes());
                text.push_str(" left");
            },
            |fields| {
                fields.text("file", &file);
                fields.text("subject", &subject);
                fields.text("issuer", &issuer);
                fields.number("not_after", not_after_seconds);
                fields.number("days_left", days);
            },
        );
    }
    Ok(Rest::Nothing)
}

/// `tls.list`.
pub(super) fn tls_list(scene: &Scene<'_>, words: &[&str], _: &mut Page) -> Result<Rest, Failure> {
    none(words)?;
    let mut cards = scene.connections.cards();
    cards.retain(|card| card.transport == Transport::Tls);
    Ok(Rest::Steps(Box::new(List { cards, shown: 0 })))
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
            if let Some(Security { version, cipher, .. }) = card.security() {
                let _ = write!(text, " {version} {cipher}");
            }
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
            if let Some(Security { version, cipher, is_verified, peer, .. }) = card.security() {
                fields.text("version", version);
                fields.text("cipher", cipher);
                fields.text("peer", peer.as_ref().map_or("", |peer| &peer.subject));
                fields.number("verified", u64::from(*is_verified));
            }
        },
    );
}
