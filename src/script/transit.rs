//! The message in transit: what arrived, and what the script has decided about it so far.

use std::net::{SocketAddr, SocketAddrV4};

use bumpalo::Bump;

use super::{ArenaList, Rewritten};
use crate::mem::ListenerId;
use crate::sip::rewrite::EditList;
use crate::sip::{Essentials, HeaderName, Message, NameAddr, Uri};

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
    /// Its flags (`setbflag`).
    pub flags: u32,
    /// The listener that it is to leave from, if one was chosen.
    pub send_listener: Option<ListenerId>,
}

impl<'m> Branch<'m> {
    /// A branch that goes to `uri`, and nothing more is said about it.
    #[must_use]
    pub const fn to(uri: &'m [u8]) -> Self {
        Self { uri, destination: None, path: &[], q: None, flags: 0, send_listener: None }
    }
}

/// How our Record-Route is written (RFC 3261 §16.6 step 4).
#[derive(Clone, Copy, Debug)]
pub struct RecordRoute<'m> {
    /// The user part with its `@`, or nothing.
    pub user: &'m [u8],
    /// Host and port instead of those of the listener.
    pub preset: Option<&'m [u8]>,
    /// With `preset`: host and port for the side that the request came from, in a Record-Route
    /// of its own.
    pub preset_ingress: Option<&'m [u8]>,
    /// `;lr=on` for old peers that insist on a value, instead of `;lr`.
    pub full_lr: bool,
    /// Whether the From tag goes with it (`;ftag=`), to tell the direction of later requests.
    pub from_tag: bool,
    /// Whether a request that leaves by another listener than it came by gets two
    /// Record-Routes, one for each side.
    pub double: bool,
}

impl RecordRoute<'_> {
    /// As it is where neither the script nor a module parameter says otherwise.
    pub const USUAL: Self = Self {
        user: &[],
        preset: None,
        preset_ingress: None,
        full_lr: false,
        from_tag: true,
        double: true,
    };
}

/// How the Via that we put on top differs from the usual one.
#[derive(Clone, Copy, Debug, Default)]
pub struct OwnVia<'m> {
    /// The host, instead of that of the listener (`set_advertised_address`).
    pub host: Option<&'m [u8]>,
    /// The port, instead of that of the listener (`set_advertised_port`).
    pub port: Option<u16>,
    /// Whether it asks for `rport` (`add_local_rport`).
    pub rport: bool,
    /// The number of this server, as `srvid` (`via_add_srvid`).
    pub server_id: Option<u32>,
    /// Further parameters, each with its semicolon (`via_add_xavp_params`).
    pub params: &'m [u8],
}

/// One message and the decisions about it.
#[derive(Debug)]
pub struct Transit<'m> {
    /// The message as it arrived, or as it was when the changes were last applied
    /// (`msg_apply_changes`).
    pub message: Message<'m>,
    /// What was parsed of it when it was checked, if the core has checked it.
    pub essentials: Option<&'m Essentials<'m>>,
    /// Who sent it.
    pub source: &'m SocketAddr,
    /// The address it was sent to.
    pub local: &'m SocketAddr,
    /// The listener whose socket got it.
    pub listener: ListenerId,
    /// Where messages are indexed that take the place of this one; nowhere if none may.
    pub rewritten: Option<&'m Rewritten>,
    /// Where strings that are built during the run live.
    pub arena: &'m Bump,
    /// The Request-URI as rewritten so far (`$ru`); empty for a response.
    pub uri: &'m [u8],
    /// The destination URI (`$du`), set by `loose_route()`, `lookup()` or the script.
    pub destination: Option<&'m [u8]>,
    /// The address that [`Self::uri`] or [`Self::destination`] leads to, if `lookup()` knew it: of
    /// that very text, so that another one is looked at.
    pub known_address: Option<(&'m [u8], SocketAddrV4)>,
    /// The parts of the URI that was taken apart last; most often that is [`Self::uri`].
    pub parts: Option<&'m Uri<'m>>,
    /// Route values to be put on top when the request leaves (RFC 3327 path of the binding that
    /// `lookup()` chose), comma-separated; empty if none.
    pub path: &'m [u8],
    /// Preference of the Request-URI in thousandths, if `lookup()` chose it by one.
    pub q: Option<u16>,
    /// The destination set beside the Request-URI.
    pub branches: ArenaList<'m, Branch<'m>>,
    /// Changes to the header fields and the body, for when the message leaves.
    pub edits: &'m mut EditList,
    /// Message flags (`setflag`).
    pub flags: u32,
    /// The listener that the request is to leave from, if the script chose one.
    pub send_listener: Option<ListenerId>,
    /// Whole header lines for replies made here (`append_to_reply`).
    pub reply_headers: ArenaList<'m, &'m [u8]>,
    /// Type and text of the body of replies made here (`set_reply_body`).
    pub reply_body: Option<(&'m [u8], &'m [u8])>,
    /// `force_rport()` was called: answer to the source port though no `rport` was asked for
    /// (RFC 3581).
    pub rport_forced: bool,
    /// What `record_route()` asked for; done when the request leaves, as only then it is known
    /// from where.
    pub record_route: Option<&'m RecordRoute<'m>>,
    /// Parameters for our Record-Route (`add_rr_param()`), each with its semicolon.
    pub record_route_params: &'m [u8],
    /// The URI parameters of our own Route that `loose_route()` took off.
    pub route_params: &'m [u8],
    /// How our Via differs from the usual one, if it does.
    pub own_via: Option<&'m OwnVia<'m>>,
    /// Max-Forwards has been counted down already (`mf_process_maxfwd_header`): forwarding must
    /// not do it again (RFC 3261 §16.6 step 3).
    pub max_forwards_done: bool,
    /// The last thing that the proxy refused, for `sl_reply_error()`.
    pub refusal: Option<super::Refusal>,
    /// Whether something was sent because of this message: a request that ends with nothing
    /// sent was dropped.
    pub acted: bool,
}

impl<'m> Transit<'m> {
    /// A message that has just arrived: nothing is decided about it; `edits` is empty. Within its
    /// caller, so that it is made where it stays.
    #[inline(always)]
    #[must_use]
    pub fn new(
        message: Message<'m>,
        (source, local): (&'m SocketAddr, &'m SocketAddr),
        listener: ListenerId,
        (arena, edits): (&'m Bump, &'m mut EditList),
    ) -> Self {
        Self {
            message,
            essentials: None,
            source,
            local,
            listener,
            arena,
            rewritten: None,
            uri: message.request_uri(),
            destination: None,
            known_address: None,
            parts: None,
            path: &[],
            q: None,
            branches: ArenaList::new_in(arena),
            edits,
            flags: 0,
            send_listener: None,
            reply_headers: ArenaList::new_in(arena),
            reply_body: None,
            rport_forced: false,
            record_route: None,
            record_route_params: &[],
            route_params: &[],
            own_via: None,
            max_forwards_done: false,
            refusal: None,
            acted: false,
        }
    }

    /// The destination set as a redirect lists it: the Request-URI, then the branches, each URI
    /// once, with its preference.
    pub fn alternatives(&self) -> impl Iterator<Item = (&'m [u8], Option<u16>)> {
        let branches = self.branches.iter().enumerate().filter(|(at, branch)| {
            let mut earlier = self.branches[..*at].iter().map(|branch| branch.uri);
            branch.uri != self.uri && earlier.all(|uri| uri != branch.uri)
        });
        let branches = branches.map(|(_, branch)| (branch.uri, branch.q));
        std::iter::once((self.uri, self.q)).chain(branches)
    }

    /// From, if it is well-formed.
    #[must_use]
    pub fn from(&self) -> Option<NameAddr<'m>> {
        match self.essentials {
            Some(essentials) => Some(essentials.from.address()),
            None => NameAddr::parse(self.message.value(HeaderName::From)?).ok(),
        }
    }

    /// The tag of To, if it has one.
    #[inline]
    #[must_use]
    pub fn to_tag(&self) -> Option<&'m [u8]> {
        match self.essentials {
            Some(essentials) => essentials.to.tag(),
            None => self.to()?.tag(),
        }
    }

    /// Whether To has a tag that says something.
    #[inline]
    #[must_use]
    pub fn has_to_tag(&self) -> bool {
        match self.essentials {
            Some(essentials) => essentials.to.has_tag(),
            None => self.has_unread_to_tag(),
        }
    }

    /// As [`Self::has_to_tag`], of a message that was not checked.
    #[cold]
    #[inline(never)]
    fn has_unread_to_tag(&self) -> bool {
        self.to_tag().is_some_and(|tag| !tag.is_empty())
    }

    /// To, if it is well-formed.
    #[must_use]
    pub fn to(&self) -> Option<NameAddr<'m>> {
        match self.essentials {
            Some(essentials) => Some(essentials.to.address()),
            None => NameAddr::parse(self.message.value(HeaderName::To)?).ok(),
        }
    }
}
