//! Messages that a script sends as they are: no Via of ours, nothing counted down.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::forward::{Hop, egress, next_hop, resolve};
use super::parked::{Counted, Form, Forms, Otherwise, Parked};
use super::turn::Turn;
use crate::limits::DATAGRAM_BYTES_MAX;
use crate::mem::ListenerId;
use crate::metrics::Counter;
use crate::protocol::Transport;
use crate::script::{Host, NextHop, Refusal, Transit};

/// Sends a text, from that listener if it can send there, or keeps it until the name that it goes
/// to is known.
pub(super) fn send(
    turn: &mut Turn<'_>,
    transit: &mut Transit<'_>,
    hop: NextHop<'_>,
    (listener, text): (Option<ListenerId>, &[u8]),
) -> Result<(), Refusal> {
    if text.len() > DATAGRAM_BYTES_MAX {
        return Err(Refusal::TooLarge);
    }
    let target = next_hop(transit, hop)?;
    let chosen = transit.send_listener;
    transit.send_listener = listener.or(chosen);
    let sent = match resolve(turn, transit.essentials, target) {
        Ok(Hop::Address(address)) => send_to(turn, transit, address, text),
        Ok(Hop::Named(named)) => {
            let families = [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)];
            let routes = families.map(|family| egress(turn, transit, Transport::Udp, family));
            let forms = routes.into_iter().flatten();
            let forms: Forms = forms
                .map(|(listener, source)| Form { listener, source, message: text.to_vec() })
                .collect();
            if forms.is_empty() {
                Err(Refusal::Unreachable)
            } else {
                let otherwise = Otherwise::Drop;
                turn.park(Parked { named, forms, counted: COUNTED, otherwise });
                Ok(())
            }
        }
        Err(refusal) => Err(refusal),
    };
    transit.send_listener = chosen;
    transit.acted |= sent.is_ok();
    sent
}

/// What is counted.
const COUNTED: Counted = Counted::Forwarded(Counter::SentVerbatim);

/// Sends a text to that address.
fn send_to(
    turn: &mut Turn<'_>,
    transit: &Transit<'_>,
    destination: SocketAddr,
    text: &[u8],
) -> Result<(), Refusal> {
    if turn.standing.identity.is_bound(destination, turn.arrival.local) {
        return Err(Refusal::Unreachable);
    }
    let (listener, source) = egress(turn, transit, Transport::Udp, destination.ip())?;
    let way = (destination, listener, source);
    let fits = turn.outbox.push_composed(way, |out| {
        out.extend_from_slice(text);
        true
    });
    turn.count(if fits { Counter::SentVerbatim } else { Counter::DroppedTooLarge });
    if fits { Ok(()) } else { Err(Refusal::TooLarge) }
}
