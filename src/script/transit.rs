//! The message in transit: what arrived, and what the script has decided about it so far.

use std::net::SocketAddr;

use bumpalo::Bump;
use smallvec::SmallVec;

use crate::mem::ListenerId;
use crate::sip::Message;
use crate::sip::rewrite::EditList;

/// A further URI of the destination set (`append_branch`, `lookup` with several contacts).
#[derive(Clone, Copy, Debug)]
pub struct Branch<'m> {
    /// The URI of this branch.
    pub uri: &'m [u8],
    /// Where it is sent instead of the URI's host, if given (`$du`).
    pub destination: Option<&'m [u8]>,
    /// The Route header values of its path (RFC 3327), empty if none.
    pub path: &'m [u8],
    /// Preference in thousandths, 0 to 1000, `None` if not given.
    pub q: Option<u16>,
}

/// One message and the decisions about it.
#[derive(Debug)]
pub struct Transit<'m> {
    /// The message as it arrived. It does not change while the script runs.
    pub message: Message<'m>,
    /// Who sent it.
    pub source: SocketAddr,
    /// The address it was sent to.
    pub local: SocketAddr,
    /// The listener whose socket got it.
    pub listener: ListenerId,
    /// Where strings that are built during the run live.
    pub arena: &'m Bump,
    /// The Request-URI as rewritten so far (`$ru`); empty for a response.
    pub uri: &'m [u8],
    /// The destination URI (`$du`), set by `loose_route()`, `lookup()` or the script.
    pub destination: Option<&'m [u8]>,
    /// Route values to be put on top when the request leaves (RFC 3327 path of the binding that
    /// `lookup()` chose), comma-separated; empty if none.
    pub path: &'m [u8],
    /// The destination set beside the Request-URI.
    pub branches: SmallVec<[Branch<'m>; 4]>,
    /// Changes to the header fields and the body, for when the message leaves.
    pub edits: EditList,
    /// Message flags (`setflag`).
    pub flags: u32,
    /// The listener that the request is to leave from, if the script chose one.
    pub send_listener: Option<ListenerId>,
    /// Whole header lines for replies made here (`append_to_reply`).
    pub reply_headers: SmallVec<[&'m [u8]; 4]>,
    /// `force_rport()` was called: answer to the source port though no `rport` was asked for
    /// (RFC 3581).
    pub rport_forced: bool,
    /// Offset and length of Route header text that `loose_route()` took out, so that a second
    /// call sees the rest; none so far: 0.
    pub routes_consumed: usize,
    /// Max-Forwards has been counted down already (`mf_process_maxfwd_header`): forwarding must
    /// not do it again (RFC 3261 §16.6 step 3).
    pub max_forwards_done: bool,
    /// The last thing that the proxy refused, for `sl_reply_error()`.
    pub refusal: Option<super::Refusal>,
    /// Whether something was sent because of this message: a request that ends with nothing
    /// sent was dropped.
    pub acted: bool,
}
