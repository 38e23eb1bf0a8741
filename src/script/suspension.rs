//! A run of the script that waits: all that is to be known to go on with it, on its own.
//!
//! While it runs, an [`Execution`] borrows the slot that its message lies in and the arena of the
//! worker. Both are used for the next message when it waits, so what it borrows is copied, at
//! that moment only. It goes on with the call that made it wait, in an [`Execution`] that borrows
//! the copy.

use std::any::TypeId;

use smallvec::SmallVec;

use super::ast::RouteKind;
use super::execution::{Avp, Frame, Stores};
use super::state::State;
use super::xavp::XavpCopy;
use super::{
    ArenaList, Branch, Execution, Host, OwnVia, Program, RecordRoute, Refusal, ReturnCode, Transit,
    Value,
};
use crate::jobs::{Answer, ShellCommand};
use crate::mem::ListenerId;
use crate::metrics::Counter;
use crate::sip::rewrite::EditList;

/// What a run waits for.
#[derive(Debug)]
pub enum Wait {
    /// The end of a command, which is taken by whoever has it run.
    Command(ShellCommand),
    /// This moment, in milliseconds of the monotonic clock.
    Time(u64),
}

impl Wait {
    /// Bytes that it keeps, about.
    #[must_use]
    pub fn size(&self) -> usize {
        match self {
            Self::Command(command) => command.size(),
            Self::Time(_) => 0,
        }
    }
}

/// A run of the script that waits.
#[derive(Debug)]
pub struct Suspended {
    /// What for.
    pub wait: Wait,
    /// The message.
    message: Vec<u8>,
    /// All other texts, one behind the other.
    texts: Vec<u8>,
    transit: KeptTransit,
    values: Vec<KeptValue>,
    frames: Vec<Frame>,
    slots: Vec<KeptValue>,
    stores: Option<KeptStores>,
    static_branch: Option<KeptBranch>,
    message_number: u64,
    branch_flags: u32,
    code: ReturnCode,
    kind: RouteKind,
    string_bytes_left: usize,
    /// Steps left.
    fuel: u64,
    /// The operation that it goes on with: the call.
    place: usize,
}

/// What scripts and modules have stored ([`Stores`]).
#[derive(Debug)]
struct KeptStores {
    avps: Vec<(Text, KeptValue)>,
    xavps: XavpCopy<Text, KeptValue>,
    states: Vec<(TypeId, Box<dyn State>)>,
}

/// Where a text is in [`Suspended::texts`].
#[derive(Clone, Copy, Debug)]
struct Text {
    start: usize,
    length: usize,
}

/// A [`Value`].
#[derive(Clone, Copy, Debug)]
enum KeptValue {
    /// `$null`.
    Null,
    /// A number.
    Int(i64),
    /// A string.
    Text(Text),
}

/// A [`Branch`].
#[derive(Clone, Copy, Debug)]
struct KeptBranch {
    uri: Text,
    destination: Option<Text>,
    path: Text,
    q: Option<u16>,
    flags: u32,
    send_listener: Option<ListenerId>,
}

/// What of a [`Transit`] cannot be had from the message and its arrival.
#[derive(Debug)]
struct KeptTransit {
    uri: Text,
    destination: Option<Text>,
    path: Text,
    q: Option<u16>,
    branches: SmallVec<[KeptBranch; 4]>,
    edits: EditList,
    flags: u32,
    send_listener: Option<ListenerId>,
    reply_headers: SmallVec<[Text; 4]>,
    reply_body: Option<(Text, Text)>,
    rport_forced: bool,
    /// With the texts `user`, `preset` and `preset_ingress`, which are empty in it.
    record_route: Option<(RecordRoute<'static>, Text, [Option<Text>; 2])>,
    record_route_params: Text,
    route_params: Text,
    /// With the texts `host` and `params`, which are empty in it.
    own_via: Option<(OwnVia<'static>, Option<Text>, Text)>,
    max_forwards_done: bool,
    refusal: Option<Refusal>,
    acted: bool,
}

impl Suspended {
    /// A copy of what `execution` is at this moment; none if it takes more than `room` bytes.
    pub(super) fn of(execution: &Execution<'_>, wait: Wait, room: usize) -> Option<Self> {
        let message = execution.transit.message.text();
        let mut keeper = Keeper { texts: Vec::new(), room: room.checked_sub(message.len())? };
        let transit = keeper.transit(&execution.transit)?;
        let values = keeper.values(&execution.values)?;
        let slots = keeper.values(execution.slots)?;
        let stores = match execution.stores() {
            Some(stores) => Some(keeper.stores(stores)?),
            None => None,
        };
        let static_branch = match &execution.static_branch {
            Some(branch) => Some(keeper.branch(branch)?),
            None => None,
        };
        Some(Self {
            wait,
            message: message.to_vec(),
            texts: keeper.texts,
            transit,
            values,
            frames: execution.frames.to_vec(),
            slots,
            stores,
            static_branch,
            message_number: execution.message_number,
            branch_flags: execution.branch_flags,
            code: execution.code,
            kind: execution.kind,
            string_bytes_left: execution.string_bytes_left(),
            fuel: execution.fuel,
            place: execution.under_way(),
        })
    }

    /// The message as it was when the run began to wait.
    #[must_use]
    pub fn message(&self) -> &[u8] {
        &self.message
    }

    /// Bytes that it keeps, about, without those of a command.
    #[must_use]
    pub fn size(&self) -> usize {
        let avps = self.stores.as_ref().map_or(0, |stores| stores.avps.len());
        let values = self.values.len() + self.slots.len() + 2 * avps;
        size_of::<Self>()
            + self.message.len()
            + self.texts.len()
            + self.transit.edits.size()
            + values * size_of::<KeptValue>()
            + self.frames.len() * size_of::<Frame>()
    }

    /// The run as it was, about to repeat the call that made it wait, for which there is an
    /// answer now. `transit` is that of the message as it arrived; see [`super::resume`].
    #[must_use]
    pub fn restore<'m>(
        &'m self,
        transit: Transit<'m>,
        host: &'m mut (dyn Host + 'm),
        program: &'m Program,
        answer: &'m Answer,
    ) -> Execution<'m> {
        let mut execution = Execution::new(self.transit(transit), host, program);
        execution.values.extend(self.values.iter().map(|value| self.value(*value)));
        execution.frames.extend_from_slice(&self.frames);
        for (slot, value) in execution.slots.iter_mut().zip(&self.slots) {
            *slot = self.value(*value);
        }
        if let Some(kept) = &self.stores {
            self.restore_stores(kept, execution.stores_mut());
        }
        execution.static_branch = self.static_branch.as_ref().map(|kept| self.branch(kept));
        execution.message_number = self.message_number;
        execution.branch_flags = self.branch_flags;
        execution.code = self.code;
        execution.kind = self.kind;
        execution.fuel = self.fuel;
        execution.set_string_bytes_left(self.string_bytes_left);
        execution.place = self.place;
        execution.answer = Some(answer);
        execution
    }

    /// Puts back what was stored.
    fn restore_stores<'m>(&'m self, kept: &'m KeptStores, stores: &mut Stores<'m>) {
        let avp = |(name, value): &(Text, KeptValue)| Avp {
            name: self.text(*name),
            value: self.value(*value),
        };
        stores.avps.extend(kept.avps.iter().map(avp));
        stores.xavps.restore(&kept.xavps, |name| self.text(name), |value| self.value(value));
        stores.states.restore(&kept.states);
    }

    /// What was decided about the message.
    fn transit<'m>(&'m self, arrived: Transit<'m>) -> Transit<'m> {
        let Transit {
            message, essentials, source, local, listener, arena, rewritten, edits, ..
        } = arrived;
        let kept = &self.transit;
        edits.copy_from(&kept.edits);
        let mut branches = ArenaList::new_in(arena);
        branches.extend(kept.branches.iter().map(|branch| self.branch(branch)));
        let mut reply_headers = ArenaList::new_in(arena);
        reply_headers.extend(kept.reply_headers.iter().map(|text| self.text(*text)));
        Transit {
            message,
            essentials,
            source,
            local,
            listener,
            arena,
            rewritten,
            uri: self.text(kept.uri),
            destination: kept.destination.map(|text| self.text(text)),
            path: self.text(kept.path),
            q: kept.q,
            branches,
            edits,
            flags: kept.flags,
            send_listener: kept.send_listener,
            reply_headers,
            reply_body: kept.reply_body.map(|(kind, body)| (self.text(kind), self.text(body))),
            rport_forced: kept.rport_forced,
            record_route: kept.record_route.map(|(asked, user, [preset, ingress])| {
                &*arena.alloc(RecordRoute {
                    user: self.text(user),
                    preset: preset.map(|text| self.text(text)),
                    preset_ingress: ingress.map(|text| self.text(text)),
                    ..asked
                })
            }),
            record_route_params: self.text(kept.record_route_params),
            route_params: self.text(kept.route_params),
            own_via: kept.own_via.map(|(via, host, params)| {
                let (host, params) = (host.map(|text| self.text(text)), self.text(params));
                &*arena.alloc(OwnVia { host, params, ..via })
            }),
            max_forwards_done: kept.max_forwards_done,
            refusal: kept.refusal,
            acted: kept.acted,
            // The texts have been copied: they are looked at again.
            known_address: None,
            parts: None,
        }
    }

    /// A branch of the destination set.
    fn branch(&self, kept: &KeptBranch) -> Branch<'_> {
        let KeptBranch { uri, destination, path, q, flags, send_listener } = *kept;
        let destination = destination.map(|text| self.text(text));
        let (uri, path) = (self.text(uri), self.text(path));
        Branch { uri, destination, path, q, flags, send_listener }
    }

    /// A value.
    fn value(&self, value: KeptValue) -> Value<'_> {
        match value {
            KeptValue::Null => Value::Null,
            KeptValue::Int(number) => Value::Int(number),
            KeptValue::Text(text) => Value::Text(self.text(text)),
        }
    }

    /// A text.
    fn text(&self, text: Text) -> &[u8] {
        &self.texts[text.start..text.start + text.length]
    }
}

/// Copies texts, as long as there is room; each answers `None` if there is none.
struct Keeper {
    texts: Vec<u8>,
    room: usize,
}

impl Keeper {
    /// Copies a text.
    fn text(&mut self, text: &[u8]) -> Option<Text> {
        self.room = self.room.checked_sub(text.len())?;
        let kept = Text { start: self.texts.len(), length: text.len() };
        self.texts.extend_from_slice(text);
        Some(kept)
    }

    /// Copies a text that may be there.
    #[expect(clippy::option_option, reason = "there may be neither the text nor room for it")]
    fn optional(&mut self, text: Option<&[u8]>) -> Option<Option<Text>> {
        match text {
            Some(text) => self.text(text).map(Some),
            None => Some(None),
        }
    }

    /// Copies a value.
    fn value(&mut self, value: Value<'_>) -> Option<KeptValue> {
        self.room = self.room.checked_sub(size_of::<KeptValue>())?;
        Some(match value {
            Value::Null => KeptValue::Null,
            Value::Int(number) => KeptValue::Int(number),
            Value::Text(text) => KeptValue::Text(self.text(text)?),
        })
    }

    /// Copies what is stored.
    fn stores(&mut self, stores: &Stores<'_>) -> Option<KeptStores> {
        let avps = stores.avps.iter().map(|Avp { name, value }| {
            let value = self.value(*value)?;
            Some((self.text(name)?, value))
        });
        let avps = avps.collect::<Option<Vec<_>>>()?;
        let xavps = stores.xavps.copy(self, Self::text, Self::value)?;
        Some(KeptStores { avps, xavps, states: stores.states.keep() })
    }

    /// Copies values.
    fn values(&mut self, values: &[Value<'_>]) -> Option<Vec<KeptValue>> {
        values.iter().map(|value| self.value(*value)).collect()
    }

    /// Copies what was decided about a message.
    fn transit(&mut self, transit: &Transit<'_>) -> Option<KeptTransit> {
        let Transit {
            message: _,
            essentials: _,
            source: _,
            local: _,
            listener: _,
            arena: _,
            rewritten: _,
            uri,
            destination,
            path,
            q,
            branches,
            edits,
            flags,
            send_listener,
            reply_headers,
            reply_body,
            rport_forced,
            record_route,
            record_route_params,
            route_params,
            own_via,
            max_forwards_done,
            refusal,
            acted,
            known_address: _,
            parts: _,
        } = transit;
        self.room = self.room.checked_sub(edits.size())?;
        let mut kept_edits = EditList::default();
        kept_edits.copy_from(edits);
        let branches = branches.iter().map(|branch| self.branch(branch));
        Some(KeptTransit {
            branches: branches.collect::<Option<_>>()?,
            uri: self.text(uri)?,
            destination: self.optional(*destination)?,
            path: self.text(path)?,
            q: *q,
            edits: kept_edits,
            flags: *flags,
            send_listener: *send_listener,
            reply_headers: {
                let lines = reply_headers.iter().map(|line| self.text(line));
                lines.collect::<Option<_>>()?
            },
            reply_body: match reply_body {
                Some((kind, body)) => Some((self.text(kind)?, self.text(body)?)),
                None => None,
            },
            rport_forced: *rport_forced,
            record_route: match record_route {
                Some(asked) => Some(self.record_route(asked)?),
                None => None,
            },
            record_route_params: self.text(record_route_params)?,
            route_params: self.text(route_params)?,
            own_via: match own_via {
                Some(via) => {
                    let bare = OwnVia {
                        host: None,
                        params: &[],
                        port: via.port,
                        rport: via.rport,
                        server_id: via.server_id,
                    };
                    Some((bare, self.optional(via.host)?, self.text(via.params)?))
                }
                None => None,
            },
            max_forwards_done: *max_forwards_done,
            refusal: *refusal,
            acted: *acted,
        })
    }

    /// Copies a branch of the destination set.
    fn branch(&mut self, branch: &Branch<'_>) -> Option<KeptBranch> {
        let Branch { uri, destination, path, q, flags, send_listener } = *branch;
        let destination = self.optional(destination)?;
        let (uri, path) = (self.text(uri)?, self.text(path)?);
        Some(KeptBranch { uri, destination, path, q, flags, send_listener })
    }

    /// Copies what was asked of our Record-Route.
    fn record_route(
        &mut self,
        asked: &RecordRoute<'_>,
    ) -> Option<(RecordRoute<'static>, Text, [Option<Text>; 2])> {
        let RecordRoute { user, preset, preset_ingress, full_lr, from_tag, double } = *asked;
        let (none, user) = (None, self.text(user)?);
        let bare = RecordRoute {
            user: &[],
            preset: none,
            preset_ingress: none,
            full_lr,
            from_tag,
            double,
        };
        Some((bare, user, [self.optional(preset)?, self.optional(preset_ingress)?]))
    }
}

impl<'m> Execution<'m> {
    /// What the present call has waited for with [`Self::suspend`] or [`Self::sleep`]; `None` when
    /// the call has not asked yet.
    pub const fn take_answer(&mut self) -> Option<&'m Answer> {
        self.answer.take()
    }

    /// Has a command run, and the script wait for its end: to be given back by the function at
    /// once, which is then called again with the same arguments and finds the answer by
    /// [`Self::take_answer`]. [`super::FALSE`] if nobody runs commands here or too many wait.
    pub fn suspend(&mut self, command: ShellCommand) -> ReturnCode {
        if !self.host.runs_commands() {
            return super::FALSE;
        }
        self.wait(Wait::Command(command))
    }

    /// Lets the script wait so many milliseconds, in the same way.
    pub fn sleep(&mut self, milliseconds: u64) -> ReturnCode {
        let due_ms = self.host.now().monotonic_ms.saturating_add(milliseconds);
        self.wait(Wait::Time(due_ms))
    }

    /// Lets the script wait.
    fn wait(&mut self, wait: Wait) -> ReturnCode {
        let room = self.host.suspension_room();
        let room = room.checked_sub(wait.size());
        match room.and_then(|room| Suspended::of(self, wait, room)) {
            Some(suspended) => {
                self.suspended = Some(Box::new(suspended));
                0
            }
            None => {
                self.host.count(Counter::ScriptSuspensionsRefused);
                super::FALSE
            }
        }
    }

    /// The run as it has to wait, if its verdict is that it [`super::Verdict::waits`].
    pub const fn take_suspended(&mut self) -> Option<Box<Suspended>> {
        self.suspended.take()
    }
}
