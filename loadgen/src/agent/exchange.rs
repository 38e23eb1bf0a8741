//! Transactions of a call (RFC 3261 §17, RFC 6026), as far as a user agent needs them.

use std::net::SocketAddr;
use std::time::Duration;

use viaduct::sip::{CSeq, HeaderName, Items, Message, MessageIndex, Method, Via, parse};

use crate::moment::Moment;
use crate::outbox::SocketId;

/// The first interval of repetitions where a scenario names none (RFC 3261 T1).
pub(super) const T1: Duration = Duration::from_millis(500);

/// The longest interval of repetitions, but for INVITE requests (RFC 3261 T2).
const T2: Duration = Duration::from_secs(4);

/// How long an INVITE may ring (RFC 3261 Timer C asks proxies for more than this).
const RINGING_MAX: Duration = Duration::from_secs(180);

/// What tells a transaction from others of the same call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    /// Number of its CSeq.
    pub(super) number: u32,
    /// Method of its CSeq.
    pub(super) method: Method,
    /// Hash of the branch of its topmost Via; 0 if there is none.
    pub(super) branch: u64,
}

/// One transaction.
#[derive(Debug)]
pub(super) struct Exchange {
    /// What tells it from others.
    pub(super) identity: Identity,
    /// Whether this side sent the request.
    pub(super) ours: bool,
    /// How far it is.
    pub(super) phase: Phase,
    /// The last status sent or received; 0 for none.
    pub(super) status: u16,
    /// What is sent when it is to be said again: the request, then the ACK; the last response.
    pub(super) bytes: Vec<u8>,
    /// Whether these are the ACK.
    pub(super) is_acknowledged: bool,
    /// The socket that it uses.
    pub(super) socket: SocketId,
    /// Where it sends to.
    pub(super) destination: SocketAddr,
    /// The counter that its branch was made with.
    pub(super) branch_number: u32,
    /// The step that it belongs to; none if it goes on beside the program.
    pub(super) step: Option<usize>,
    /// Whether it is an INVITE that was cancelled.
    pub(super) is_cancelled: bool,
    /// When to say it again.
    pub(super) repeat_at: Moment,
    /// Time until the repetition after that.
    interval: Duration,
    /// When it has failed.
    pub(super) give_up_at: Moment,
}

/// How far a transaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// There is no final response yet.
    Open,
    /// There is a final response. An INVITE waits for its ACK, or for the response to come again.
    Final,
    /// Nothing will happen any more (a response was acknowledged).
    Done,
}

impl Exchange {
    /// A request that was just received.
    pub(super) const fn received(
        identity: Identity,
        socket: SocketId,
        destination: SocketAddr,
    ) -> Self {
        Self {
            identity,
            ours: false,
            phase: Phase::Open,
            status: 0,
            bytes: Vec::new(),
            is_acknowledged: false,
            socket,
            destination,
            branch_number: 0,
            step: None,
            is_cancelled: false,
            repeat_at: Moment::NEVER,
            interval: T1,
            give_up_at: Moment::NEVER,
        }
    }

    /// A request that is sent now, and repeated after `first` if that is given.
    pub(super) fn sent(
        identity: Identity,
        way: (SocketId, SocketAddr),
        bytes: &[u8],
        first: Option<Duration>,
        now: Moment,
    ) -> Self {
        let mut exchange =
            Self { ours: true, bytes: bytes.to_vec(), ..Self::received(identity, way.0, way.1) };
        exchange.give_up_at = now + first.unwrap_or(T1) * 64;
        if let Some(first) = first {
            exchange.repeat(first, now);
        }
        exchange
    }

    /// Repeats after `first`, and then less and less often.
    fn repeat(&mut self, first: Duration, now: Moment) {
        self.interval = first;
        self.repeat_at = now + first;
    }

    /// Stops all clocks.
    pub(super) const fn rest(&mut self) {
        self.repeat_at = Moment::NEVER;
        self.give_up_at = Moment::NEVER;
    }

    /// Whether it is an INVITE.
    pub(super) fn is_invite(&self) -> bool {
        self.identity.method == Method::Invite
    }

    /// Whether an answer is awaited: a response, or the ACK to one.
    pub(super) fn is_busy(&self) -> bool {
        match self.phase {
            Phase::Open => self.ours,
            Phase::Final => !self.ours && self.give_up_at != Moment::NEVER,
            Phase::Done => false,
        }
    }

    /// Notes a response that was received.
    pub(super) fn answered(&mut self, status: u16, now: Moment) {
        self.status = status;
        if status >= 200 {
            self.phase = Phase::Final;
            self.rest();
        } else if self.is_invite() {
            self.repeat_at = Moment::NEVER;
            if !self.is_cancelled {
                self.give_up_at = now + RINGING_MAX;
            }
        } else if self.repeat_at != Moment::NEVER {
            self.interval = T2;
        }
    }

    /// Notes a response to what goes on beside the program.
    pub(super) fn answered_aside(&mut self, status: u16, now: Moment) {
        self.answered(status, now);
        if status >= 200 {
            self.phase = Phase::Done;
        }
    }

    /// Notes a response that is sent, and repeated after `first` until its ACK if it is a final
    /// one to an INVITE.
    pub(super) fn answer(
        &mut self,
        status: u16,
        bytes: &[u8],
        first: Option<Duration>,
        now: Moment,
    ) {
        self.status = status;
        self.bytes.clear();
        self.bytes.extend_from_slice(bytes);
        if status < 200 {
            return;
        }
        self.phase = if self.is_invite() { Phase::Final } else { Phase::Done };
        if let Some(first) = first.filter(|_| self.is_invite()) {
            self.repeat(first, now);
            self.give_up_at = now + first * 64;
        }
    }

    /// Notes the ACK to the final response: it is said again when that comes again.
    pub(super) fn acknowledge(&mut self, bytes: &[u8], destination: SocketAddr) {
        // With exact room, not that of the INVITE.
        self.bytes = bytes.to_vec();
        self.is_acknowledged = true;
        self.destination = destination;
    }

    /// Notes that it was cancelled: that is not waited for as long as for an answer (RFC 3261
    /// §9.1).
    pub(super) fn cancel(&mut self, now: Moment) {
        self.is_cancelled = true;
        if self.phase == Phase::Open {
            self.give_up_at = now + T1 * 64;
        }
    }

    /// Whether it is an INVITE of ours that may be cancelled now: it is under way.
    pub(super) fn rings(&self) -> bool {
        let is_under_way = self.phase == Phase::Open && self.status >= 100;
        self.ours && self.is_invite() && is_under_way && !self.is_cancelled
    }

    /// Notes that it was said again, and when it will be next.
    pub(super) fn repeated(&mut self, now: Moment) {
        self.interval *= 2;
        if !(self.ours && self.is_invite()) {
            self.interval = self.interval.min(T2);
        }
        self.repeat_at = now + self.interval;
    }

    /// When something is to be done.
    pub(super) fn deadline(&self) -> Moment {
        self.repeat_at.min(self.give_up_at)
    }
}

impl Identity {
    /// Of a message; none if it has no Via or no readable CSeq.
    pub(super) fn of(message: Message<'_>, hash: impl Fn(&[u8]) -> u64) -> Option<Self> {
        let CSeq { number, method } = message.cseq().ok()?;
        let branch = branch(message.value(HeaderName::Via)?).map_or(0, hash);
        Some(Self { number, method: Method::parse(method), branch })
    }

    /// Of a message composed here.
    pub(super) fn of_composed(bytes: &[u8], hash: impl Fn(&[u8]) -> u64) -> Option<Self> {
        let mut index = MessageIndex::default();
        parse(bytes, &mut index).ok()?;
        Self::of(Message::new(bytes, &index), hash)
    }
}

/// The branch of the first Via of a value.
fn branch(value: &[u8]) -> Option<&[u8]> {
    if memchr::memchr(b'"', value).is_some() {
        return Via::parse(Items::new(value).next()?).ok()?.branch();
    }
    param(value, b"branch")
}

/// The tag of From or To.
pub(super) fn tag<'d>(message: Message<'d>, name: HeaderName) -> Option<&'d [u8]> {
    let value = message.value(name)?;
    let behind_uri = memchr::memrchr(b'>', value).map_or(0, |end| end + 1);
    param(&value[behind_uri..], b"tag")
}

/// The value of a parameter of the first value in `text`, which has nothing quoted.
fn param<'d>(text: &'d [u8], name: &[u8]) -> Option<&'d [u8]> {
    memchr::memchr_iter(b';', text).find_map(|at| {
        let param = text[at + 1..].trim_ascii_start();
        let (found, value) = param.split_at_checked(name.len())?;
        if !found.eq_ignore_ascii_case(name) {
            return None;
        }
        let value = value.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
        let end = value
            .iter()
            .position(|byte| matches!(byte, b';' | b',' | b' ' | b'\t' | b'\r' | b'\n'));
        Some(&value[..end.unwrap_or(value.len())])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When a transaction says its message again, in milliseconds after it began, until it gives
    /// up.
    fn repetitions(mut exchange: Exchange) -> Vec<u64> {
        let mut times = Vec::new();
        while exchange.repeat_at < exchange.give_up_at {
            let at = exchange.repeat_at;
            times.push(at.nanos() / 1_000_000);
            exchange.repeated(at);
        }
        times
    }

    fn identity(method: Method) -> Identity {
        Identity { number: 1, method, branch: 1 }
    }

    fn way() -> (SocketId, SocketAddr) {
        (SocketId(0), SocketAddr::from(([127, 0, 0, 1], 5060)))
    }

    /// A request that was sent when the clock began.
    fn sent(method: Method) -> Exchange {
        Exchange::sent(identity(method), way(), b"x", Some(T1), Moment::START)
    }

    #[test]
    fn an_invite_is_repeated_as_timer_a_says() {
        let invite = repetitions(sent(Method::Invite));
        assert_eq!(invite, [500, 1_500, 3_500, 7_500, 15_500, 31_500]);
    }

    #[test]
    fn other_requests_are_repeated_as_timer_e_says() {
        let bye = repetitions(sent(Method::Bye));
        let expected = [500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500];
        assert_eq!(bye, expected);
    }

    #[test]
    fn a_provisional_response_slows_a_request_and_stops_an_invite() {
        let mut bye = sent(Method::Bye);
        bye.answered(100, Moment::START);
        assert_eq!(repetitions(bye)[..3], [500, 4_500, 8_500]);
        let mut invite = sent(Method::Invite);
        invite.answered(100, Moment::START);
        assert_eq!(
            (invite.repeat_at, invite.give_up_at),
            (Moment::NEVER, Moment::START + RINGING_MAX)
        );
    }

    #[test]
    fn an_answer_to_an_invite_is_repeated_as_timer_g_says() {
        let mut invite = Exchange::received(identity(Method::Invite), way().0, way().1);
        invite.answer(180, b"x", None, Moment::START);
        assert_eq!(repetitions(invite), [0; 0]);
        let mut invite = Exchange::received(identity(Method::Invite), way().0, way().1);
        invite.answer(200, b"x", Some(T1), Moment::START);
        assert_eq!(repetitions(invite)[..6], [500, 1_500, 3_500, 7_500, 11_500, 15_500]);
    }

    #[test]
    fn a_cancelled_invite_is_given_up_after_64_t1() {
        let mut invite = sent(Method::Invite);
        invite.answered(180, Moment::START);
        assert!(invite.rings());
        invite.cancel(Moment::START);
        invite.answered(183, Moment::START);
        assert!(!invite.rings());
        assert_eq!(invite.give_up_at, Moment::START + T1 * 64);
    }

    #[test]
    fn parameters_are_found_with_space_and_folds_around_them() {
        for text in ["<x>;tag=1", "<x> ; TAG = 1 ", "<x>\r\n ;tag\r\n =\r\n 1\r\n", "x;a;tag=1;b"] {
            assert_eq!(param(text.as_bytes(), b"tag"), Some(&b"1"[..]), "{text}");
        }
        for text in ["tag=1", "x;tags=1", "x;tag", "x;ta", "", ";"] {
            assert_eq!(param(text.as_bytes(), b"tag"), None, "{text}");
        }
    }
}
