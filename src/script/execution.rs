//! The state of one run of the script over one message.

use std::cell::Cell;
use std::fmt::Debug;
use std::net::IpAddr;

use bumpalo::Bump;
use bumpalo::collections::Vec as ArenaVec;

use super::ast::RouteKind;
use super::state::States;
use super::value::Digits;
use super::watch::Watch;
use super::xavp::{XavpKind, XavpPath, Xavps};
use super::{
    ArenaList, Branch, Host, LogLevel, NextHop, Observer, Program, Refusal, ReturnCode, RouteId,
    Suspended, Transit, Value,
};
use crate::jobs::Answer;
use crate::limits::{SCRIPT_FUEL, SCRIPT_STRING_BYTES_MAX};
use crate::protocol::Transport;
use crate::sip::{Scheme, Uri};

/// One run of the script: the message in transit, the proxy, and what the script itself keeps.
/// All of the virtual machine's state is in here and in the arena, none on the thread's stack.
pub struct Execution<'m> {
    /// The message and the decisions about it.
    pub transit: Transit<'m>,
    /// The proxy.
    pub host: &'m mut (dyn Host + 'm),
    /// The program that runs.
    pub program: &'m Program,
    /// How many messages came before this one (`$mi`); the core may set it.
    pub message_number: u64,
    /// Flags of the first branch (`setbflag`).
    pub branch_flags: u32,
    /// The branch that a script prepares apart from the destination set (`$sbranch`), once it
    /// does.
    pub static_branch: Option<Branch<'m>>,
    /// The operation behind the one under way, if that one calls a function or reads a variable.
    pub(super) at: u32,
    /// Operands of the expression under way.
    pub(super) values: ArenaList<'m, Value<'m>>,
    /// The route blocks that called the present one.
    pub(super) frames: ArenaList<'m, Frame>,
    /// What `$var(...)` hold, by their numbers in the program.
    pub(super) slots: &'m mut [Value<'m>],
    /// What the script and the modules have stored, once they have.
    pub(super) stores: Option<&'m mut Stores<'m>>,
    /// What the last call gave back (`$rc`).
    pub(super) code: ReturnCode,
    /// The kind of route block that the run started with.
    pub(super) kind: RouteKind,
    /// Steps left.
    pub(super) fuel: u64,
    /// What the arena held when the run began.
    pub(super) arena_bytes: usize,
    /// Bytes of strings that may still be built.
    string_bytes_left: Cell<usize>,
    /// The operation that a restored run goes on with.
    pub(super) place: usize,
    /// The end of the command that a restored run has waited for.
    pub(super) answer: Option<&'m Answer>,
    /// The copy of this run that is to wait, once a function has asked for that.
    pub(super) suspended: Option<Box<Suspended>>,
    /// Who looks on, if anyone does.
    pub(super) watch: Option<Watch<'m>>,
    /// The last URI taken apart: scripts ask for parts of the Request-URI again and again.
    uri: Cell<Option<&'m Uri<'m>>>,
}

/// What scripts and modules store during a run. Most runs store nothing.
#[derive(Debug)]
pub(super) struct Stores<'m> {
    /// The AVPs, oldest first.
    pub(super) avps: ArenaVec<'m, Avp<'m>>,
    /// The attributes with members.
    pub(super) xavps: Xavps<'m>,
    /// What modules keep.
    pub(super) states: States<'m>,
}

impl<'m> Stores<'m> {
    /// Nothing stored.
    fn new_in(arena: &'m Bump) -> Self {
        Self {
            avps: ArenaVec::new_in(arena),
            xavps: Xavps::new_in(arena),
            states: States::new_in(arena),
        }
    }
}

/// What an attribute with members takes of what may be built, about: searches go through all of
/// them, so that there must not be many thousand.
const XAVP_BYTES: usize = 128;

/// Where a called route block goes back to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    /// The next operation of the caller.
    pub(super) resume_at: u32,
    /// How many operands the caller had.
    pub(super) value_count: u32,
}

/// One value of an AVP.
#[derive(Clone, Copy, Debug)]
pub(super) struct Avp<'m> {
    /// The name, without `s:`; numbers keep their `i:`.
    pub(super) name: &'m [u8],
    /// The value.
    pub(super) value: Value<'m>,
}

impl<'m> Execution<'m> {
    /// A run that has not started: variables are 0, AVPs are empty. Within its caller, so that it
    /// is made where it stays.
    #[inline(always)]
    #[must_use]
    pub fn new(transit: Transit<'m>, host: &'m mut (dyn Host + 'm), program: &'m Program) -> Self {
        let (arena, parts) = (transit.arena, transit.parts);
        let slots: &mut [_] = match program.slot_names().len() {
            0 => &mut [],
            count => arena.alloc_slice_fill_copy(count, Value::Int(0)),
        };
        Self {
            transit,
            host,
            program,
            message_number: 0,
            branch_flags: 0,
            static_branch: None,
            at: 0,
            values: ArenaList::new_in(arena),
            frames: ArenaList::new_in(arena),
            slots,
            stores: None,
            code: super::TRUE,
            kind: RouteKind::Request,
            fuel: SCRIPT_FUEL,
            arena_bytes: 0,
            string_bytes_left: Cell::new(SCRIPT_STRING_BYTES_MAX),
            place: 0,
            answer: None,
            suspended: None,
            watch: None,
            uri: Cell::new(parts),
        }
    }

    /// Lets `observer` look on.
    pub fn observe(&mut self, observer: &'m mut (dyn Observer + 'm)) {
        self.watch = Some(Watch::new(observer));
    }

    /// What the last function or route block gave back (`$rc`).
    #[must_use]
    pub const fn code(&self) -> ReturnCode {
        self.code
    }

    /// The kind of route block that the run started with.
    #[must_use]
    pub const fn kind(&self) -> RouteKind {
        self.kind
    }

    /// `file:line` of the function call or variable under way; empty if there is none.
    #[must_use]
    pub fn place(&self) -> String {
        self.program.place(self.under_way())
    }

    /// File and line of the function call or variable under way.
    #[must_use]
    pub fn file_and_line(&self) -> Option<(&'m str, u32)> {
        self.program.file_and_line(self.under_way())
    }

    /// The name of the route block under way; the main one is `DEFAULT_ROUTE`.
    #[must_use]
    pub fn route_name(&self) -> Option<&'m str> {
        let name = self.program.route_name_at(self.under_way())?;
        Some(if name == "0" { "DEFAULT_ROUTE" } else { name })
    }

    /// The operation under way, if it calls a function or reads a variable.
    pub(super) const fn under_way(&self) -> usize {
        (self.at as usize).saturating_sub(1)
    }

    /// The route block of that name that `route(...)` can call.
    #[must_use]
    pub fn find_subroutine(&self, name: &[u8]) -> Option<RouteId> {
        let name = std::str::from_utf8(name).ok()?;
        self.program.find_route(RouteKind::Request, name)
    }

    /// Logs what went wrong with a function, with its place in the script.
    #[cold]
    pub fn complain(&mut self, trouble: &str) {
        if self.host.logs(LogLevel::Error) {
            let place = self.place();
            self.host.log(LogLevel::Error, format!("{place}: {trouble}\n").as_bytes());
        }
    }

    /// Notes why the proxy refused, for `sl_reply_error()`; [`super::FALSE`].
    pub const fn refuse(&mut self, refusal: Refusal) -> ReturnCode {
        self.transit.refusal = Some(refusal);
        super::FALSE
    }

    /// What a module keeps during this run, by its type; made when it is asked for first.
    pub fn state<T: Copy + Default + Debug + Send + 'static>(&mut self) -> Option<&mut T> {
        self.stores_mut().states.get()
    }

    /// The same for readers: `None` if it has not been made.
    #[must_use]
    pub fn peek_state<T: Copy + Debug + Send + 'static>(&self) -> Option<T> {
        self.stores()?.states.peek()
    }

    /// Whether the script or a module has stored anything.
    #[inline]
    #[must_use]
    pub const fn has_stored(&self) -> bool {
        self.stores.is_some()
    }

    /// A string made of `parts`, one behind the other. Empty, and the run ends with an error, if
    /// the script has built too much already ([`SCRIPT_STRING_BYTES_MAX`]).
    #[must_use]
    pub fn build(&self, parts: &[&[u8]]) -> &'m [u8] {
        let length = parts.iter().map(|part| part.len()).sum();
        if !self.charge(length) {
            return &[];
        }
        let mut text = ArenaVec::with_capacity_in(length, self.transit.arena);
        for part in parts {
            text.extend_from_slice_copy(part);
        }
        text.into_bump_slice()
    }

    /// A string that `fill` makes out of nothing, `length_max` bytes at most.
    #[must_use]
    pub fn build_with(
        &self,
        length_max: usize,
        fill: impl FnOnce(&mut ArenaVec<'m, u8>),
    ) -> &'m [u8] {
        if !self.charge(length_max) {
            return &[];
        }
        let mut text = ArenaVec::with_capacity_in(length_max, self.transit.arena);
        fill(&mut text);
        text.into_bump_slice()
    }

    /// A string with the decimal digits of `number`.
    #[must_use]
    pub fn show_int(&self, number: i64) -> &'m [u8] {
        self.build(&[Digits::new(number).as_bytes()])
    }

    /// An address as people write it, IPv6 without brackets.
    #[must_use]
    pub fn show_ip(&self, address: IpAddr) -> &'m [u8] {
        match address.to_canonical() {
            IpAddr::V4(address) => {
                let [a, b, c, d] = address.octets().map(|octet| Digits::new(i64::from(octet)));
                let (a, b, c, d) = (a.as_bytes(), b.as_bytes(), c.as_bytes(), d.as_bytes());
                self.build(&[a, b".", b, b".", c, b".", d])
            }
            IpAddr::V6(address) => {
                let mut text = bumpalo::collections::String::new_in(self.transit.arena);
                let _ = std::fmt::Write::write_fmt(&mut text, format_args!("{address}"));
                text.into_bump_str().as_bytes()
            }
        }
    }

    /// An address as it stands in a URI: IPv6 in brackets.
    #[must_use]
    pub fn show_host(&self, address: IpAddr) -> &'m [u8] {
        let text = self.show_ip(address);
        if text.contains(&b':') { self.build(&[b"[", text, b"]"]) } else { text }
    }

    /// The string that a value is in an expression: nothing for `$null`.
    #[must_use]
    pub fn text(&self, value: Value<'m>) -> &'m [u8] {
        match value {
            Value::Null => &[],
            Value::Int(number) => self.show_int(number),
            Value::Text(text) => text,
        }
    }

    /// The string that a value is within a text: `<null>` for `$null`.
    #[must_use]
    pub fn shown(&self, value: Value<'m>) -> &'m [u8] {
        match value {
            Value::Null => b"<null>",
            other => self.text(other),
        }
    }

    /// The parts of `text`.
    #[inline]
    #[must_use]
    pub fn parse_uri(&self, text: &'m [u8]) -> Option<Uri<'m>> {
        self.uri_parts(text).copied()
    }

    /// The parts of `text`, where they are kept until another URI is asked for.
    #[inline]
    #[must_use]
    pub fn uri_parts(&self, text: &'m [u8]) -> Option<&'m Uri<'m>> {
        match self.known_parts(text) {
            None => self.take_apart(text),
            parts => parts,
        }
    }

    /// The parts of `text`, if it was taken apart last.
    #[inline]
    #[must_use]
    pub fn known_parts(&self, text: &[u8]) -> Option<&'m Uri<'m>> {
        self.uri.get().filter(|uri| std::ptr::eq(uri.text, text))
    }

    /// Takes a URI apart and keeps its parts.
    #[inline(never)]
    fn take_apart(&self, text: &'m [u8]) -> Option<&'m Uri<'m>> {
        let arena = self.transit.arena;
        // Parsed where it stays: it is large.
        let uri: &'m Uri<'m> = match Uri::parse_plain(text) {
            Some(uri) => arena.alloc(uri),
            None => arena.alloc_try_with(|| Uri::parse(text)).ok()?,
        };
        self.uri.set(Some(uri));
        Some(uri)
    }

    /// Whether the host and port of the URI `text` are this server. A `sips:` URI without a port
    /// may also mean a server that has no TLS.
    #[inline]
    #[must_use]
    pub fn is_myself(&self, text: &'m [u8]) -> bool {
        let Some(uri) = self.uri_parts(text) else { return false };
        self.host.is_myself(uri.host, uri.unusual_port())
            || uri.scheme == Scheme::Sips && self.is_myself_in_the_clear(uri)
    }

    /// Whether the host of a `sips:` URI without a port is this server at the port of `sip:`.
    #[cold]
    #[inline(never)]
    fn is_myself_in_the_clear(&self, uri: &Uri<'_>) -> bool {
        uri.port.is_none() && self.host.is_myself(uri.host, None)
    }

    /// The transport that the message came by.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.host.listener_endpoint(self.transit.listener).transport
    }

    /// Has the proxy forward the request.
    ///
    /// # Errors
    ///
    /// [`Refusal`]; nothing is sent then.
    pub fn forward(&mut self, hop: NextHop<'_>) -> Result<(), Refusal> {
        self.transit.parts = self.uri.get();
        self.host.forward(&mut self.transit, hop)
    }

    /// The value of a `$var(...)`, by its number.
    #[inline]
    pub(super) fn slot(&self, slot: u16) -> Value<'m> {
        self.slots.get(usize::from(slot)).copied().unwrap_or(Value::Int(0))
    }

    /// Assigns a `$var(...)`; `$null` makes it 0 again.
    #[inline]
    pub(super) fn set_slot(&mut self, slot: u16, value: Value<'m>) {
        let value = if value == Value::Null { Value::Int(0) } else { value };
        if let Some(cell) = self.slots.get_mut(usize::from(slot)) {
            *cell = value;
        }
    }

    /// The value of the `$var(...)` of that name.
    pub(crate) fn variable(&self, name: &[u8]) -> Value<'m> {
        let slots = self.program.slot_names();
        slots.iter().position(|slot| **slot == *name).map_or(Value::Null, |at| self.slots[at])
    }

    /// Assigns the `$var(...)` of that name; false if the script has none.
    pub(crate) fn set_variable(&mut self, name: &[u8], value: Value<'m>) -> bool {
        let slots = self.program.slot_names();
        let at = slots.iter().position(|slot| **slot == *name);
        let Some(at) = at.and_then(|at| u16::try_from(at).ok()) else { return false };
        self.set_slot(at, value);
        true
    }

    /// The value of the AVP `name` at `index`, counted from the newest, or from the oldest if
    /// negative.
    pub(crate) fn avp(&self, name: &[u8], index: i32) -> Value<'m> {
        let mut named = self.avps().iter().filter(|avp| avp.name == name);
        let avp = if index < 0 {
            named.nth(usize::try_from(-1 - index).unwrap_or(usize::MAX))
        } else {
            named.rev().nth(usize::try_from(index).unwrap_or(usize::MAX))
        };
        avp.map_or(Value::Null, |avp| avp.value)
    }

    /// All values of the AVP `name` as one text, the newest first.
    pub(crate) fn all_avps(&self, name: &[u8]) -> Value<'m> {
        let mut texts: ArenaVec<'_, &[u8]> = ArenaVec::new_in(self.transit.arena);
        for avp in self.avps().iter().rev().filter(|avp| avp.name == name) {
            if !texts.is_empty() {
                texts.push(b", ");
            }
            texts.push(self.shown(avp.value));
        }
        if texts.is_empty() { Value::Null } else { Value::Text(self.build(&texts)) }
    }

    /// Puts a value on top of the AVP `name`.
    pub(crate) fn push_avp(&mut self, name: &'m [u8], value: Value<'m>) {
        if self.charge(size_of::<Avp<'_>>()) {
            self.stores_mut().avps.push(Avp { name, value });
        }
    }

    /// Removes the newest value of the AVP `name`, or all of them.
    pub(crate) fn remove_avp(&mut self, name: &[u8], all: bool) {
        let Some(Stores { avps, .. }) = self.stores.as_deref_mut() else { return };
        if all {
            avps.retain(|avp| avp.name != name);
        } else if let Some(position) = avps.iter().rposition(|avp| avp.name == name) {
            avps.remove(position);
        }
    }

    /// Bytes of strings that may still be built.
    pub(super) const fn string_bytes_left(&self) -> usize {
        self.string_bytes_left.get()
    }

    /// Goes on with as many bytes as another run has left.
    pub(super) fn set_string_bytes_left(&self, left: usize) {
        self.string_bytes_left.set(left);
    }

    /// How many values the AVP `name` has.
    pub(super) fn avp_count(&self, name: &[u8]) -> usize {
        self.avps().iter().filter(|avp| avp.name == name).count()
    }

    /// The value of an attribute with members, or of one of those.
    pub(crate) fn xavp(&self, kind: XavpKind, path: XavpPath<'_>) -> Value<'m> {
        self.stores().map_or(Value::Null, |stores| stores.xavps.get(kind, path))
    }

    /// Puts a value into an attribute with members; false if the path leads nowhere.
    pub(crate) fn xavp_put(
        &mut self,
        kind: XavpKind,
        path: XavpPath<'m>,
        value: Value<'m>,
    ) -> bool {
        self.charge(XAVP_BYTES) && self.stores_mut().xavps.put(kind, path, value)
    }

    /// Removes an attribute with members, or one of those.
    pub(crate) fn xavp_remove(&mut self, kind: XavpKind, path: XavpPath<'_>) {
        if let Some(stores) = &mut self.stores {
            stores.xavps.remove(kind, path);
        }
    }

    /// How many attributes, or members of them, there are at a path.
    pub(crate) fn xavp_count(&self, kind: XavpKind, path: XavpPath<'_>) -> usize {
        self.stores().map_or(0, |stores| stores.xavps.count(kind, path))
    }

    /// The members of an attribute, oldest first.
    pub(crate) fn xavp_members(
        &self,
        kind: XavpKind,
        path: XavpPath<'_>,
    ) -> impl Iterator<Item = (&'m [u8], Value<'m>)> {
        self.stores().into_iter().flat_map(move |stores| stores.xavps.members(kind, path))
    }

    /// All attributes of a kind with their own values, newest first.
    pub(crate) fn xavp_roots(&self, kind: XavpKind) -> impl Iterator<Item = (&'m [u8], Value<'m>)> {
        self.stores().into_iter().flat_map(move |stores| stores.xavps.roots(kind))
    }

    /// What is stored, if anything is.
    pub(super) fn stores(&self) -> Option<&Stores<'m>> {
        self.stores.as_deref()
    }

    /// What is stored, to store more.
    pub(super) fn stores_mut(&mut self) -> &mut Stores<'m> {
        let arena = self.transit.arena;
        self.stores.get_or_insert_with(|| arena.alloc(Stores::new_in(arena)))
    }

    /// The AVPs, oldest first.
    fn avps(&self) -> &[Avp<'m>] {
        self.stores().map_or(&[], |stores| &stores.avps)
    }

    /// Takes `length` bytes from what may still be built.
    fn charge(&self, length: usize) -> bool {
        let left = self.string_bytes_left.get().checked_sub(length);
        self.string_bytes_left.set(left.unwrap_or(0));
        left.is_some()
    }

    /// Whether the script may not build another string.
    pub(super) fn is_out_of_strings(&self) -> bool {
        self.string_bytes_left.get() == 0
    }
}

impl Debug for Execution<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Execution").field("transit", &self.transit).finish_non_exhaustive()
    }
}
