//! One turn of the script: the proxy as the script sees it.

use std::any::{Any, TypeId};
use std::net::{IpAddr, SocketAddr};

use smallvec::SmallVec;

use super::parked::Parked;
use super::standing::Standing;
use crate::location::LocationTables;
use crate::mem::{Arrival, ListenerId, Outbox};
use crate::metrics::Counter;
use crate::protocol::{Endpoint, Transport};
use crate::script::{Host, LogFacility, LogLevel, NextHop, Refusal, Transit};
use crate::sip::rewrite::EditList;
use crate::sip::{Essentials, Uri};
use crate::time::Now;

/// A message that is to be rewritten and sent when the script has ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) destination: SocketAddr,
    pub(super) listener: ListenerId,
    pub(super) source: IpAddr,
    /// What is counted when it is sent.
    pub(super) counter: Counter,
    /// Length of the message as it arrived, without what stood behind its body.
    pub(super) message_length: usize,
}

/// The proxy during the work on one message.
pub(super) struct Turn<'a> {
    pub(super) now: &'a Now,
    pub(super) arrival: &'a Arrival,
    /// What was parsed when the request was checked; none of a message that did not pass.
    pub(super) essentials: Option<&'a Essentials<'a>>,
    /// The parts of its Request-URI as it arrived, if that is a plain one.
    pub(super) uri: Option<&'a Uri<'a>>,
    pub(super) standing: &'a mut Standing,
    /// The forward that is to be made in the slot. An earlier one was composed into the outbox.
    pub(super) plan: &'a mut Option<Plan>,
    /// Whether the script may have put another message in the place of the one that arrived: what
    /// it forwards is composed at once then.
    pub(super) is_rewritten: bool,
    /// The edits of the plan.
    pub(super) plan_edits: &'a mut EditList,
    pub(super) outbox: &'a mut Outbox,
}

impl<'a> Turn<'a> {
    /// The turn of a message.
    pub(super) fn new(
        (now, arrival): (&'a Now, &'a Arrival),
        essentials: Option<&'a Essentials<'a>>,
        standing: &'a mut Standing,
        (plan, plan_edits): (&'a mut Option<Plan>, &'a mut EditList),
        outbox: &'a mut Outbox,
    ) -> Self {
        Self {
            now,
            arrival,
            essentials,
            uri: None,
            standing,
            plan,
            is_rewritten: false,
            plan_edits,
            outbox,
        }
    }

    /// Has the Warning of the next reply, if there is to be one, tell what became of the
    /// Request-URI.
    pub(super) fn note_uri(&mut self, transit: &Transit<'_>) {
        if let Some(warning) = &mut self.standing.warning {
            warning.note(transit.message, transit.uri, self.arrival);
        }
    }

    /// Whether what leaves from that listener goes by a connection.
    #[inline]
    pub(super) fn goes_by_stream(&self, listener: ListenerId) -> bool {
        self.standing.identity.is_stream(listener)
    }

    /// Replies with what the script wants replies to have beside `headers`.
    #[inline(never)]
    fn reply_with_more(
        &mut self,
        transit: &Transit<'_>,
        status: (u16, &[u8]),
        headers: &[u8],
    ) -> Result<(), Refusal> {
        let mut lines: SmallVec<[&[u8]; 8]> = transit.reply_headers.iter().copied().collect();
        lines.push(headers);
        let (kind, body) = transit.reply_body.unwrap_or_default();
        if !kind.is_empty() {
            lines.extend([b"Content-Type: ", kind, b"\r\n"]);
        }
        let (message, force_rport) = (transit.message, transit.rport_forced);
        super::reply::reply(self, message, status, (&lines, body), force_rport)
    }

    /// Whether host and port are this server in another form than listeners mostly have.
    #[inline(never)]
    fn is_other_name(&self, host: &[u8], port: Option<u16>) -> bool {
        self.standing.identity.is_other_name(host, port, &self.arrival.local)
    }

    /// Keeps a message until the name that it goes to is known.
    pub(super) fn park(&mut self, parked: Parked) {
        if !self.standing.parking.park(parked, *self.now) {
            self.count(Counter::DroppedForName);
        }
    }
}

impl Host for Turn<'_> {
    fn now(&self) -> Now {
        *self.now
    }

    fn monotonic_seconds(&self) -> u64 {
        self.now.monotonic_seconds()
    }

    fn forward(&mut self, transit: &mut Transit<'_>, hop: NextHop<'_>) -> Result<(), Refusal> {
        super::forward::forward(self, transit, hop)
    }

    fn send(
        &mut self,
        transit: &mut Transit<'_>,
        hop: NextHop<'_>,
        listener: Option<ListenerId>,
        text: &[u8],
    ) -> Result<(), Refusal> {
        super::verbatim::send(self, transit, hop, (listener, text))
    }

    fn reply(
        &mut self,
        transit: &mut Transit<'_>,
        code: u16,
        reason: &[u8],
        headers: &[u8],
    ) -> Result<(), Refusal> {
        self.note_uri(transit);
        let status = (code, reason);
        let (message, force_rport) = (transit.message, transit.rport_forced);
        if transit.reply_headers.is_empty() && transit.reply_body.is_none() {
            super::reply::reply(self, message, status, (&[headers], b""), force_rport)?;
        } else {
            self.reply_with_more(transit, status, headers)?;
        }
        transit.acted = true;
        Ok(())
    }

    fn reply_tag<'m>(&self, transit: &Transit<'m>) -> Option<&'m [u8]> {
        super::reply::tag(self, transit)
    }

    fn apply_changes(&mut self, transit: &Transit<'_>) -> Option<Vec<u8>> {
        super::forward::apply_changes(self, transit)
    }

    fn is_myself(&self, host: &[u8], port: Option<u16>) -> bool {
        self.standing.identity.is_short_name(host, port) || self.is_other_name(host, port)
    }

    fn is_my_host(&self, host: &[u8]) -> bool {
        self.standing.identity.is_my_host(host, self.arrival.local)
    }

    fn listener_endpoint(&self, listener: ListenerId) -> Endpoint {
        let own = self.standing.identity.listener(listener);
        let (transport, address) = match own {
            Some(own) => (own.transport, own.address),
            None => (Transport::Udp, self.arrival.local),
        };
        Endpoint { transport, address }
    }

    fn advertisement(&self, listener: ListenerId) -> Option<(&str, u16)> {
        let (host, port) = self.standing.identity.listener(listener)?.advertise.as_ref()?;
        Some((host, *port))
    }

    fn sent_by(&mut self, listener: ListenerId) -> &[u8] {
        &self.standing.identity.text(listener, &self.arrival.local).sent_by
    }

    fn find_listener(
        &self,
        transport: Option<Transport>,
        host: &[u8],
        port: Option<u16>,
    ) -> Option<ListenerId> {
        self.standing.identity.find(transport, host, port)
    }

    fn suspension_room(&self) -> usize {
        self.standing.waiting.room()
    }

    fn runs_commands(&self) -> bool {
        self.standing.parts.jobs.is_open()
    }

    fn logs(&self, level: LogLevel) -> bool {
        i32::from(level as i8) <= self.standing.log_level
    }

    fn set_log_level(&mut self, level: i32) {
        self.standing.log_level = level;
    }

    fn log_as(&mut self, facility: LogFacility, level: LogLevel, text: &[u8]) {
        if self.logs(level) {
            self.standing.parts.log.write_as(facility, level, text);
        }
    }

    fn log(&mut self, level: LogLevel, text: &[u8]) {
        if self.logs(level) {
            self.standing.parts.log.write(level, text);
        }
    }

    fn count(&mut self, counter: Counter) {
        self.standing.parts.counters.count(counter);
    }

    fn random(&self) -> u64 {
        // xorshift64*: a full period over the non-zero states is all that is asked here.
        let mut state = self.standing.random.get();
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        self.standing.random.set(state);
        state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn locations(&self) -> Option<&LocationTables> {
        self.standing.locations.as_deref()
    }

    fn service(&self, id: TypeId) -> Option<&(dyn Any + Send + Sync)> {
        self.standing.service(id)
    }
}
