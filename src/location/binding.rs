//! Bindings and sets of them.

use std::cmp::Reverse;
use std::net::{IpAddr, SocketAddrV4};
use std::sync::atomic::{AtomicU64, Ordering};

use smallvec::SmallVec;

use crate::limits::BINDING_BYTES_MAX;
use crate::mem::ListenerId;
use crate::protocol::is_nobody;
use crate::sip::{Params, Uri, equal_long, host_ip};

/// What a binding holds, as a view: of a stored binding, or of one that is to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BindingView<'a> {
    /// The Contact URI.
    pub contact: &'a [u8],
    /// `sip:address:port` that the REGISTER came from, if requests are to be sent there and not
    /// to the Contact URI; else empty.
    pub received: &'a [u8],
    /// The Path values (RFC 3327), comma-separated; empty if none.
    pub path: &'a [u8],
    /// The Call-ID of the REGISTER.
    pub call_id: &'a [u8],
    /// The User-Agent of the REGISTER.
    pub user_agent: &'a [u8],
    /// Which phone it is, and which of its ways here.
    pub instance: Instance<'a>,
    /// Preference in thousandths, 0 to 1000, if given.
    pub q: Option<u16>,
    /// The listener that the REGISTER came in at.
    pub listener: ListenerId,
    /// Flags of the contact, which a request to it gets as branch flags.
    pub cflags: u32,
}

/// Which phone a contact is of (RFC 5626 §4.1), and which of its ways to the server (§4.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Instance<'a> {
    /// The value of `+sip.instance`, in its quotes; empty if there is none.
    pub id: &'a [u8],
    /// The digits of `reg-id`; empty if there is none.
    pub reg_id: &'a [u8],
}

impl<'a> Instance<'a> {
    /// What the parameters of a Contact say. Without `+sip.instance` the other means nothing
    /// (RFC 5626 §6).
    #[must_use]
    pub fn of(params: &Params<'a>) -> Self {
        let value = |name| params.get(name).and_then(|param| param.value).unwrap_or_default();
        let (id, reg_id) = (value(b"+sip.instance"), value(b"reg-id"));
        if !id.starts_with(b"\"") {
            return Self::default();
        }
        let is_number = reg_id.len() <= REG_ID_BYTES_MAX && reg_id.iter().all(u8::is_ascii_digit);
        Self { id, reg_id: if is_number { reg_id } else { &[] } }
    }

    /// The two, as they are stored: digits, then what is in quotes.
    fn split(stored: &'a [u8]) -> Self {
        let quote = memchr::memchr(b'"', stored).unwrap_or(stored.len());
        let (reg_id, id) = stored.split_at(quote);
        Self { id, reg_id }
    }
}

/// Digits of the greatest `reg-id` (RFC 5626 §4.2).
const REG_ID_BYTES_MAX: usize = 10;

/// One binding of an address-of-record to a Contact URI (RFC 3261 §10.3).
///
/// What a lookup reads lies together; what only a REGISTER reads lies elsewhere.
#[derive(Debug)]
pub struct Binding {
    /// Expiry in the upper half, CSeq in the lower: see [`Binding::refresh`].
    state: AtomicU64,
    /// Contact URI, received address, path: one behind the other. A short Contact URI that stands
    /// alone has zeros behind it: see [`Self::short_contact`].
    target: SmallVec<[u8; SHORT_CONTACT_BYTES]>,
    /// Call-ID, User-Agent, instance: one behind the other.
    origin: Box<[u8]>,
    contact_end: u16,
    received_end: u16,
    call_id_end: u16,
    user_agent_end: u16,
    /// Thousandths, or [`Q_NONE`].
    q: u16,
    cflags: u32,
    listener: ListenerId,
    /// See [`Binding::address`].
    address: Option<SocketAddrV4>,
}

/// In [`Binding::q`]: not given.
const Q_NONE: u16 = u16::MAX;

/// Bytes of Contact URI, received address and path that are kept within the binding. A Contact
/// URI has 30 to 60; with eight bytes more an entry of the index would be of the next size that
/// memory is given out in, which is a fifth larger.
pub const SHORT_CONTACT_BYTES: usize = 56;

const _: () = assert!(BINDING_BYTES_MAX <= u16::MAX as usize, "ends of parts are u16");

impl Binding {
    /// A binding with the content of `view`; `None` if it has more than [`BINDING_BYTES_MAX`]
    /// bytes.
    #[must_use]
    pub fn new(view: &BindingView<'_>, expires_at: u32, cseq: u32) -> Option<Self> {
        let contact_end = u16::try_from(view.contact.len()).ok()?;
        let received_end = contact_end.checked_add(u16::try_from(view.received.len()).ok()?)?;
        let call_id_end = u16::try_from(view.call_id.len()).ok()?;
        let target_len = usize::from(received_end) + view.path.len();
        let user_agent_end = call_id_end.checked_add(u16::try_from(view.user_agent.len()).ok()?)?;
        let Instance { id, reg_id } = view.instance;
        let origin_len = usize::from(user_agent_end) + reg_id.len() + id.len();
        if target_len + origin_len > BINDING_BYTES_MAX {
            return None;
        }
        let mut target = SmallVec::with_capacity(target_len);
        for part in [view.contact, view.received, view.path] {
            target.extend_from_slice(part);
        }
        if target.len() == view.contact.len() && target.len() < SHORT_CONTACT_BYTES {
            target.resize(SHORT_CONTACT_BYTES, 0);
        }
        Some(Self {
            state: AtomicU64::new(packed(expires_at, cseq)),
            target,
            origin: [view.call_id, view.user_agent, reg_id, id].concat().into(),
            contact_end,
            received_end,
            call_id_end,
            user_agent_end,
            q: view.q.unwrap_or(Q_NONE),
            cflags: view.cflags,
            listener: view.listener,
            address: address(if view.received.is_empty() { view.contact } else { view.received }),
        })
    }

    /// What it holds, but for expiry and CSeq.
    #[must_use]
    pub fn view(&self) -> BindingView<'_> {
        let (call_id, behind) = self.origin.split_at(usize::from(self.call_id_end));
        let user_agent = &behind[..usize::from(self.user_agent_end - self.call_id_end)];
        BindingView {
            contact: self.contact(),
            received: self.received(),
            path: self.path(),
            call_id,
            user_agent,
            instance: self.instance(),
            q: self.q(),
            listener: self.listener,
            cflags: self.cflags,
        }
    }

    /// The Contact URI.
    #[must_use]
    pub fn contact(&self) -> &[u8] {
        &self.target[..usize::from(self.contact_end)]
    }

    /// `sip:address:port` to send to instead of the Contact URI; empty if none.
    #[must_use]
    pub fn received(&self) -> &[u8] {
        &self.target[usize::from(self.contact_end)..usize::from(self.received_end)]
    }

    /// The Path values, comma-separated; empty if none.
    #[must_use]
    pub fn path(&self) -> &[u8] {
        if self.is_direct() { &[] } else { &self.target[usize::from(self.received_end)..] }
    }

    /// Whether requests are sent to the Contact URI: there is neither another address nor a path.
    #[inline]
    #[must_use]
    pub fn is_direct(&self) -> bool {
        // Neither an address nor a path has a zero in it.
        self.target.get(usize::from(self.contact_end)).is_none_or(|octet| *octet == 0)
    }

    /// The Contact URI and what is behind it, if it is short and requests are sent to it: all such
    /// can be copied in the same way. And how long it is.
    #[inline]
    #[must_use]
    pub fn short_contact(&self) -> Option<(&[u8; SHORT_CONTACT_BYTES], usize)> {
        let (target, length) = (self.target.first_chunk()?, usize::from(self.contact_end));
        let is_whole = length == SHORT_CONTACT_BYTES && self.is_direct();
        (is_whole || target.get(length) == Some(&0)).then_some((target, length))
    }

    /// Whether it tells which phone it is of.
    #[inline]
    #[must_use]
    pub fn has_instance(&self) -> bool {
        self.origin.len() > usize::from(self.user_agent_end)
    }

    /// The Call-ID of the REGISTER.
    #[must_use]
    pub fn call_id(&self) -> &[u8] {
        &self.origin[..usize::from(self.call_id_end)]
    }

    /// Which phone it is, and which of its ways here.
    #[must_use]
    pub fn instance(&self) -> Instance<'_> {
        Instance::split(&self.origin[usize::from(self.user_agent_end)..])
    }

    /// Whether a REGISTER with this Call-ID and this User-Agent, and no instance, has made it.
    pub(super) fn is_of(&self, call_id: &[u8], user_agent: &[u8]) -> bool {
        // An instance stands behind the User-Agent.
        let (own_call_id, own_agent) = self.origin.split_at(usize::from(self.call_id_end));
        equal_long(own_call_id, call_id) && equal_long(own_agent, user_agent)
    }

    /// Whether it is reached at this address and by this path; both may be empty.
    #[inline]
    pub(super) fn goes(&self, received: &[u8], path: &[u8]) -> bool {
        if received.is_empty() && path.is_empty() {
            self.is_direct()
        } else {
            self.received() == received && self.path() == path
        }
    }

    /// Preference in thousandths, if given.
    #[must_use]
    pub const fn q(&self) -> Option<u16> {
        if self.q == Q_NONE { None } else { Some(self.q) }
    }

    /// The listener that the REGISTER came in at.
    #[must_use]
    pub const fn listener(&self) -> ListenerId {
        self.listener
    }

    /// Where the received address leads over UDP, or if there is none the Contact URI, if that is
    /// an IPv4 address and no name.
    #[must_use]
    pub const fn address(&self) -> Option<SocketAddrV4> {
        self.address
    }

    /// Flags of the contact.
    #[must_use]
    pub const fn cflags(&self) -> u32 {
        self.cflags
    }

    /// When it ends (seconds, see [`super::seconds`]), and the CSeq of the REGISTER that said so.
    #[must_use]
    pub fn state(&self) -> (u32, u32) {
        let state = self.state.load(Ordering::Relaxed);
        ((state >> 32) as u32, (state & u64::from(u32::MAX)) as u32)
    }

    /// When it ends (seconds).
    #[must_use]
    pub fn expires_at(&self) -> u32 {
        self.state().0
    }

    /// Whether its time is not up yet.
    #[must_use]
    pub fn is_live(&self, now: u32) -> bool {
        self.expires_at() > now
    }

    /// Sets expiry and CSeq, in place and at once.
    ///
    /// Both are halves of one word, so that no reader sees the one without the other. The order
    /// is relaxed: a reader that still sees the old word is one that came earlier. Called only
    /// under the writers' lock of the table; two refreshes, or a refresh and the copy of the
    /// binding into a new set, can therefore not overtake each other.
    pub(super) fn refresh(&self, expires_at: u32, cseq: u32) {
        self.state.store(packed(expires_at, cseq), Ordering::Relaxed);
    }

    /// Bytes of memory that it takes, about.
    pub(super) fn bytes(&self) -> usize {
        let target_len = if self.is_direct() { self.contact().len() } else { self.target.len() };
        size_of::<Self>() + target_len + self.origin.len()
    }

    /// Bytes that it adds to the answer to a REGISTER.
    pub(super) fn reply_bytes(&self) -> usize {
        let instance = match self.origin.len() - usize::from(self.user_agent_end) {
            0 => 0,
            length => length + INSTANCE_PARAM_BYTES,
        };
        usize::from(self.received_end) + REPLY_PARAM_BYTES + instance
    }
}

/// The IPv4 address that a URI leads to over UDP, if anything can be sent there.
fn address(uri: &[u8]) -> Option<SocketAddrV4> {
    let (host, port) = Uri::parse(uri).ok()?.udp_target()?;
    match host_ip(host) {
        Some(IpAddr::V4(ip)) if port != 0 && !is_nobody(ip.into()) => {
            Some(SocketAddrV4::new(ip, port))
        }
        _ => None,
    }
}

/// Bytes of `<>;q=0.123;expires=4294967295;received="", `.
const REPLY_PARAM_BYTES: usize = 48;

// Bytes of `;+sip.instance=;reg-id=`.
const INSTANCE_PARAM_BYTES: usize = 24;

const _: () = assert!(size_of::<Binding>() <= 112, "an instance costs no one else anything");

/// The word that [`Binding::state`] is.
const fn packed(expires_at: u32, cseq: u32) -> u64 {
    (expires_at as u64) << 32 | cseq as u64
}

impl Clone for Binding {
    fn clone(&self) -> Self {
        Self {
            state: AtomicU64::new(self.state.load(Ordering::Relaxed)),
            target: self.target.clone(),
            origin: self.origin.clone(),
            ..*self
        }
    }
}

/// The bindings of one address-of-record, the best first: see
/// [`super::registrar::Registration::newest_first`].
/// Expired ones may be among them until they are swept.
#[derive(Clone, Debug, Default)]
pub struct BindingSet {
    bindings: SmallVec<[Binding; 1]>,
}

impl From<SmallVec<[Binding; 1]>> for BindingSet {
    /// The set of `bindings`: highest `q` first, those with the same one in their order. A
    /// binding without `q` comes behind all that have one.
    fn from(mut bindings: SmallVec<[Binding; 1]>) -> Self {
        bindings.sort_by_key(|binding| Reverse(binding.q().map_or(0, |q| q + 1)));
        Self::in_order(bindings)
    }
}

impl BindingSet {
    /// The set of `bindings`, the best first.
    pub(super) fn in_order(mut bindings: SmallVec<[Binding; 1]>) -> Self {
        bindings.shrink_to_fit();
        Self { bindings }
    }

    /// All bindings, expired ones too.
    #[must_use]
    pub fn all(&self) -> &[Binding] {
        &self.bindings
    }

    /// The bindings whose time is not up.
    pub fn live(&self, now: u32) -> impl Iterator<Item = &Binding> {
        self.bindings.iter().filter(move |binding| binding.is_live(now))
    }

    /// Bytes of memory that it takes, about.
    pub(super) fn bytes(&self) -> usize {
        self.bindings.iter().map(Binding::bytes).sum()
    }

    /// The set without its expired bindings and how many these were; `None` if there are none.
    pub(super) fn swept(&self, now: u32) -> Option<(Self, usize)> {
        let live = self.live(now).count();
        let expired = self.bindings.len() - live;
        (expired > 0).then(|| (Self { bindings: self.live(now).cloned().collect() }, expired))
    }
}
