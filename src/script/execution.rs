//! The state of one run of the script over one message.

use std::cell::Cell;
use std::net::IpAddr;

use bumpalo::collections::Vec as ArenaVec;

use super::ast::RouteKind;
use super::value::Digits;
use super::{Host, Program, Refusal, ReturnCode, Transit, Value};
use crate::limits::{SCRIPT_FUEL, SCRIPT_STRING_BYTES_MAX};
use crate::sip::Uri;

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
    /// Operands of the expression under way.
    pub(super) values: ArenaVec<'m, Value<'m>>,
    /// The route blocks that called the present one.
    pub(super) frames: ArenaVec<'m, Frame>,
    /// What `$var(...)` hold, by their numbers in the program.
    pub(super) slots: &'m mut [Value<'m>],
    /// The AVPs, oldest first.
    pub(super) avps: ArenaVec<'m, Avp<'m>>,
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
    /// State of `$RANDOM`.
    random: Cell<u64>,
    /// The last URI taken apart: scripts ask for parts of the Request-URI again and again.
    uri: Cell<Option<&'m Uri<'m>>>,
}

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
    /// A run that has not started: variables are 0, AVPs are empty.
    #[must_use]
    pub fn new(transit: Transit<'m>, host: &'m mut (dyn Host + 'm), program: &'m Program) -> Self {
        let random = host.random() | 1;
        let arena = transit.arena;
        let slots = arena.alloc_slice_fill_copy(program.slot_names().len(), Value::Int(0));
        Self {
            transit,
            host,
            program,
            message_number: 0,
            branch_flags: 0,
            values: ArenaVec::with_capacity_in(8, arena),
            frames: ArenaVec::new_in(arena),
            slots,
            avps: ArenaVec::new_in(arena),
            code: super::TRUE,
            kind: RouteKind::Request,
            fuel: SCRIPT_FUEL,
            arena_bytes: 0,
            string_bytes_left: Cell::new(SCRIPT_STRING_BYTES_MAX),
            random: Cell::new(random),
            uri: Cell::new(None),
        }
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

    /// Notes why the proxy refused, for `sl_reply_error()`; [`super::FALSE`].
    pub const fn refuse(&mut self, refusal: Refusal) -> ReturnCode {
        self.transit.refusal = Some(refusal);
        super::FALSE
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
        if let Some(uri) = self.uri.get().filter(|uri| std::ptr::eq(uri.text, text)) {
            return Some(uri);
        }
        let uri = &*self.transit.arena.alloc(Uri::parse(text).ok()?);
        self.uri.set(Some(uri));
        Some(uri)
    }

    /// Whether the host and port of the URI `text` are this server.
    #[must_use]
    pub fn is_myself(&self, text: &'m [u8]) -> bool {
        self.uri_parts(text).is_some_and(|uri| self.host.is_myself(uri.host, uri.port))
    }

    /// The next random bits (xorshift), from the seed of the core.
    #[must_use]
    pub fn random(&self) -> u64 {
        let mut bits = self.random.get();
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        self.random.set(bits);
        bits
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
        let mut named = self.avps.iter().filter(|avp| avp.name == name);
        let avp = if index < 0 {
            named.nth(usize::try_from(-1 - index).unwrap_or(usize::MAX))
        } else {
            named.rev().nth(usize::try_from(index).unwrap_or(usize::MAX))
        };
        avp.map_or(Value::Null, |avp| avp.value)
    }

    /// Puts a value on top of the AVP `name`.
    pub(crate) fn push_avp(&mut self, name: &'m [u8], value: Value<'m>) {
        if self.charge(size_of::<Avp<'_>>()) {
            self.avps.push(Avp { name, value });
        }
    }

    /// Removes the newest value of the AVP `name`, or all of them.
    pub(crate) fn remove_avp(&mut self, name: &[u8], all: bool) {
        if all {
            self.avps.retain(|avp| avp.name != name);
        } else if let Some(position) = self.avps.iter().rposition(|avp| avp.name == name) {
            self.avps.remove(position);
        }
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

impl std::fmt::Debug for Execution<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Execution").field("transit", &self.transit).finish_non_exhaustive()
    }
}
