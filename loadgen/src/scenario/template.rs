//! Messages with fields that are filled in when they are sent.

mod keyword;
mod parse;

use super::VariableId;

/// A message or a line, as literals and fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    /// Its pieces in order.
    pub pieces: Vec<Piece>,
    /// All literals, one after another.
    pub literals: Vec<u8>,
    /// Position in `pieces` where the body starts; the blank line belongs to the head.
    pub body: usize,
    /// Whether [`Field::BodyLength`] occurs, so that the body is to be composed first.
    pub has_length: bool,
}

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A part of [`Template::literals`]: start and end.
    Literal(u32, u32),
    /// Filled in.
    Field(Field),
    /// A line starts whose end may take it back.
    LineStart,
    /// The line ends: its line break is written, unless the line is empty.
    /// [`Field::Last`] of a header that the message does not have takes all from there on with it.
    LineEnd,
}

/// What is filled in; in brackets the keyword.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// `[service]`: the user part to call where there are no users.
    Service,
    /// `[remote_ip]`: the target's address, IPv6 in brackets.
    RemoteIp,
    /// `[remote_port]`
    RemotePort,
    /// `[local_ip]`, IPv6 in brackets.
    LocalIp,
    /// `[local_ip_type]`: 4 or 6; also `[media_ip_type]`.
    LocalIpType,
    /// `[local_port]`
    LocalPort,
    /// `[transport]`
    Transport,
    /// `[media_ip]`
    MediaIp,
    /// `[media_port]`, `[auto_media_port]`, with what is added.
    MediaPort(i32),
    /// `[call_id]`
    CallId,
    /// `[call_number]`: unique in the run.
    CallNumber,
    /// `[cseq]`: of the last request sent, with what is added.
    Cseq(i32),
    /// `[branch]`, or of the message this many steps before.
    Branch(u32),
    /// `[msg_index]`: number of the step.
    StepNumber,
    /// `[pid]`
    ProcessId,
    /// `[len]`: length of the body, with what is added.
    BodyLength(i32),
    /// `[peer_tag_param]`: `;tag=...` of the other side, or nothing.
    PeerTagParam,
    /// `[routes]`: Route header lines, without the last line break; nothing if there are none.
    Routes,
    /// `[next_url]`: the remote target, or else what was called.
    NextUrl,
    /// `[last_NAME:]`, `[last_NAME]` and parts of it.
    Last(LastHeader),
    /// `[last_cseq_number]`: of the last message received, with what is added.
    LastCseqNumber(i32),
    /// `[$name]`
    Variable(VariableId),
    /// `[fieldN]`, `[fieldN file=...]`: number of the file, of the column.
    Injected(usize, usize),
    /// `[timestamp]`, `[date]`: the time, for people.
    Timestamp,
    /// `[clock_tick]`: milliseconds since the start.
    ClockTick,
    /// `[caller]`: the user that calls.
    Caller,
    /// `[callee]`: the user that is called.
    Callee,
    /// `[domain]`: of the user table, or else the target's address and port.
    Domain,
    /// `[callee_uri]`: where to call: the user called at the domain, or the callee's own address
    /// where there are no users.
    CalleeUri,
    /// `[contact_uri]`: of a user agent for the caller that is to be called there: one of the
    /// callees' sockets.
    ContactUri,
    /// `[program]`: name of the program that runs.
    Program,
}

/// A header of the last message received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastHeader {
    /// Its name without colon; `Request_URI` and `message` are special as with SIPp.
    pub name: String,
    /// With its name in front (`[last_From:]`), or its value alone (`[last_From]`).
    pub whole_line: bool,
}
