//! What the script can ask of the proxy that runs it.

use std::any::{Any, TypeId};

use thiserror::Error;

use super::Transit;
use crate::location::LocationTables;
use crate::mem::ListenerId;
use crate::metrics::Counter;
use crate::protocol::{Endpoint, Transport};
use crate::time::Now;

/// Levels of `log` and `xlog`, numbered as SER and Kamailio do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(i8)]
pub enum LogLevel {
    /// `L_ALERT`.
    Alert = -5,
    /// `L_BUG`.
    Bug = -4,
    /// `L_CRIT2`, a step above [`LogLevel::Critical`] in newer Kamailio.
    Crit2 = -3,
    /// `L_CRIT`.
    Critical = -2,
    /// `L_ERR`.
    Error = -1,
    /// `L_WARN`.
    Warning = 0,
    /// `L_NOTICE`.
    Notice = 1,
    /// `L_INFO`.
    Info = 2,
    /// `L_DBG`.
    Debug = 3,
}

impl LogLevel {
    /// The level of that number; numbers beyond the last ones count as those.
    #[must_use]
    pub const fn from_number(number: i64) -> Self {
        match number {
            ..=-5 => Self::Alert,
            -4 => Self::Bug,
            -3 => Self::Crit2,
            -2 => Self::Critical,
            -1 => Self::Error,
            0 => Self::Warning,
            1 => Self::Notice,
            2 => Self::Info,
            3.. => Self::Debug,
        }
    }
}

/// A facility of the system log (RFC 3164 §4.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogFacility(u8);

impl LogFacility {
    /// `LOG_DAEMON`.
    pub const DAEMON: Self = Self(3);

    /// The facility of that name: `LOG_LOCAL0`.
    #[must_use]
    pub fn from_name(name: &[u8]) -> Option<Self> {
        const NAMES: [&[u8]; 24] = [
            b"KERN",
            b"USER",
            b"MAIL",
            b"DAEMON",
            b"AUTH",
            b"SYSLOG",
            b"LPR",
            b"NEWS",
            b"UUCP",
            b"CRON",
            b"AUTHPRIV",
            b"FTP",
            b"",
            b"",
            b"",
            b"",
            b"LOCAL0",
            b"LOCAL1",
            b"LOCAL2",
            b"LOCAL3",
            b"LOCAL4",
            b"LOCAL5",
            b"LOCAL6",
            b"LOCAL7",
        ];
        let name = name.strip_prefix(b"LOG_").filter(|name| !name.is_empty())?;
        let place = NAMES.iter().position(|known| *known == name)?;
        u8::try_from(place).ok().map(Self)
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }
}

/// Where `forward()` sends a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextHop<'m> {
    /// To the host and port of `$du` or else of the Request-URI (RFC 3261 §16.6 step 7), by this
    /// transport or else by the one that the URI says.
    Routed(Option<Transport>),
    /// To this host, a name or an address (IPv6 in brackets), whatever the Request-URI says, by
    /// this transport or else by UDP. Without a port, the SRV records of a name are asked for
    /// (RFC 3263 §4.2).
    Fixed(Option<Transport>, &'m [u8], Option<u16>),
}

/// Why the proxy did not do what the script asked. `sl_reply_error` answers with the status.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// The next hop is a name that is not known (yet), or no address at all.
    #[error("the next hop does not resolve to an address")]
    Unresolvable,
    /// No listen address can send to the next hop (IPv4 or IPv6, transport).
    #[error("no listen address reaches the next hop")]
    Unreachable,
    /// The next hop is an address that nothing can be sent to.
    #[error("nothing can be sent to the address of the next hop")]
    Nobody,
    /// The URI of the next hop is malformed.
    #[error("the URI of the next hop is malformed")]
    BadUri,
    /// Max-Forwards is 0 (RFC 3261 §16.3 step 3).
    #[error("the request may go no further")]
    TooManyHops,
    /// An ACK is never answered (RFC 3261 §17).
    #[error("an ACK is never answered")]
    ReplyToAck,
    /// A response is never answered, and only requests are forwarded by the script.
    #[error("this is a response")]
    IsResponse,
    /// The message would outgrow a datagram.
    #[error("the message would outgrow a datagram")]
    TooLarge,
}

/// The proxy, as the script's functions see it.
pub trait Host {
    /// The time of this batch.
    fn now(&self) -> Now;

    /// The whole seconds of its monotonic clock.
    fn monotonic_seconds(&self) -> u64 {
        self.now().monotonic_seconds()
    }

    /// Forwards the request statelessly with the changes made so far (RFC 3261 §16.6, §16.11).
    ///
    /// # Errors
    ///
    /// [`Refusal`]; nothing is sent then.
    fn forward(&mut self, transit: &mut Transit<'_>, hop: NextHop<'_>) -> Result<(), Refusal>;

    /// Sends a text as it is, in a message of its own; from that listener, if it can send there.
    /// Never to this server: nothing would end that.
    ///
    /// # Errors
    ///
    /// [`Refusal`]; nothing is sent then.
    fn send(
        &mut self,
        _transit: &mut Transit<'_>,
        _hop: NextHop<'_>,
        _listener: Option<ListenerId>,
        _text: &[u8],
    ) -> Result<(), Refusal> {
        Err(Refusal::Unreachable)
    }

    /// Answers the request statelessly (RFC 3261 §8.2.7). `headers` are whole lines that are
    /// added to those which every response has; `transit.reply_headers` come on top of them.
    ///
    /// # Errors
    ///
    /// [`Refusal`]; nothing is sent then.
    fn reply(
        &mut self,
        transit: &mut Transit<'_>,
        code: u16,
        reason: &[u8],
        headers: &[u8],
    ) -> Result<(), Refusal>;

    /// The tag that To gets in replies made here, or has already (RFC 3261 §8.2.6.2).
    fn reply_tag<'m>(&self, _transit: &Transit<'m>) -> Option<&'m [u8]> {
        None
    }

    /// The message with the changes made so far; `None` if it would outgrow a datagram. The message
    /// that is forwarded or answered from then on may be another one than arrived.
    fn apply_changes(&mut self, _transit: &Transit<'_>) -> Option<Vec<u8>> {
        None
    }

    /// Whether host and port are this server: a listen address or an alias. Without a port the
    /// default port is meant where a listen address is named, any port where an alias is.
    fn is_myself(&self, host: &[u8], port: Option<u16>) -> bool;

    /// Whether a host is this server, at whatever port.
    fn is_my_host(&self, host: &[u8]) -> bool {
        self.is_myself(host, None)
    }

    /// The address that a listener is bound to, and its transport.
    fn listener_endpoint(&self, listener: ListenerId) -> Endpoint;

    /// Host and port that a listener has in Via and Record-Route instead of its address.
    fn advertisement(&self, _listener: ListenerId) -> Option<(&str, u16)> {
        None
    }

    /// Host and port of a listener as they stand in Via and Record-Route, an IPv6 address in
    /// brackets, the default port left out.
    fn sent_by(&mut self, listener: ListenerId) -> &[u8];

    /// The first listener with that transport, host (an address, or the name that it advertises)
    /// and port, as far as they are given.
    fn find_listener(
        &self,
        transport: Option<Transport>,
        host: &[u8],
        port: Option<u16>,
    ) -> Option<ListenerId>;

    /// Bytes that the copy of a run may have which is to wait; 0 if none may. Who has room here
    /// goes on with each run that [`super::Verdict::waits`].
    fn suspension_room(&self) -> usize {
        0
    }

    /// Whether the commands that runs wait for are run.
    fn runs_commands(&self) -> bool {
        false
    }

    /// Whether log lines of that level are written.
    fn logs(&self, level: LogLevel) -> bool;

    /// Has lines of this worker written up to that level.
    fn set_log_level(&mut self, _level: i32) {}

    /// Writes a log line for a facility of the system log, if its level is written.
    fn log_as(&mut self, _facility: LogFacility, level: LogLevel, text: &[u8]) {
        self.log(level, text);
    }

    /// Writes a log line, if its level is written.
    fn log(&mut self, level: LogLevel, text: &[u8]);

    /// Counts something.
    fn count(&mut self, counter: Counter);

    /// Random bits, from the seed of the core.
    fn random(&self) -> u64;

    /// The location tables of the server, which most messages ask for.
    fn locations(&self) -> Option<&LocationTables> {
        None
    }

    /// Any other service that modules share with the rest of the server, by its type.
    fn service(&self, id: TypeId) -> Option<&(dyn Any + Send + Sync)>;
}
