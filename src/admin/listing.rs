//! Going through the location tables step by step: what lists them, counts them, sweeps them.

use std::fmt::Write as _;
use std::mem;

use super::answer::{Rest, Steps};
use super::page::{Fields, Page, push_visible};
use super::scene::Scene;
use crate::limits::CONTROL_STEP_AORS;
use crate::location::{Binding, BindingSet, LocationTables, Walk};
use crate::metrics::Counter;
use crate::sip::QValue;

/// The expiry of a binding that has none: later than any moment.
pub(super) const PERMANENT: u32 = u32::MAX;

/// A contact that is shown.
pub(super) struct Shown<'a> {
    pub(super) table: &'a [u8],
    pub(super) aor: &'a [u8],
    pub(super) binding: &'a Binding,
    pub(super) now: u32,
}

impl Shown<'_> {
    /// Seconds that are left; none if it stays until it is removed.
    fn seconds(&self) -> Option<u64> {
        let expires_at = self.binding.expires_at();
        (expires_at != PERMANENT).then(|| u64::from(expires_at.saturating_sub(self.now)))
    }

    /// `<uri>;q=0.00;expires=456`: a contact without q counts as the last one.
    pub(super) fn push_contact(&self, text: &mut String) {
        text.push('<');
        push_visible(text, self.binding.contact());
        let q = self.binding.q().unwrap_or(0);
        let decimals = if q.is_multiple_of(10) { 2 } else { 3 };
        let q = f64::from(q) / 1_000.0;
        // A string takes all that is written to it.
        let _ = write!(text, ">;q={q:.decimals$};expires=");
        let _ = match self.seconds() {
            Some(seconds) => write!(text, "{seconds}"),
            None => write!(text, "permanent"),
        };
    }

    /// `location bob <uri>;q=0.00;expires=456`.
    fn push_line(&self, text: &mut String) {
        push_user(text, self.table, self.aor);
        text.push(' ');
        self.push_contact(text);
    }

    /// All about it.
    pub(super) fn tell(&self, fields: &mut Fields<'_>) {
        let view = self.binding.view();
        fields.bytes("table", self.table);
        fields.bytes("aor", self.aor);
        fields.bytes("contact", view.contact);
        match view.q {
            Some(q) => fields.raw("q", QValue(q)),
            None => fields.number("q", None),
        }
        fields.number("expires", self.seconds());
        fields.bytes("received", view.received);
        fields.bytes("path", view.path);
        fields.bytes("call_id", view.call_id);
        fields.number("cseq", u64::from(self.binding.state().1));
        fields.bytes("user_agent", view.user_agent);
        fields.number("cflags", u64::from(view.cflags));
        fields.number("listener", u64::from(view.listener.0));
    }
}

/// Appends `location bob`.
fn push_user(text: &mut String, table: &[u8], aor: &[u8]) {
    push_visible(text, table);
    text.push(' ');
    push_visible(text, aor);
}

/// Begins to list all contacts of all tables, or of one; `brief`: the users with the number of
/// their contacts.
pub(super) fn dump(table: Option<&str>, brief: bool) -> Rest {
    Rest::Steps(Box::new(Dump { table: table.map(str::to_owned), brief, round: Round::default() }))
}

/// A walk through one table after the other.
#[derive(Debug, Default)]
struct Round {
    /// Position of the table.
    table: usize,
    walk: Walk,
}

impl Round {
    /// Shows the next users of a table, or nothing; `end` is called at the end of a table. False
    /// when there are no more tables.
    fn step(
        &mut self,
        scene: &Scene<'_>,
        show: impl FnMut(&[u8], &BindingSet),
        end: impl FnOnce(&[u8]),
    ) -> bool {
        let Some((name, table)) = scene.tables.iter().nth(self.table) else { return false };
        if !table.walk(&mut self.walk, CONTROL_STEP_AORS, show) {
            end(name);
            self.table += 1;
            self.walk = Walk::default();
        }
        true
    }
}

/// A list of contacts in the making.
#[derive(Debug)]
struct Dump {
    /// The table, if it is only one.
    table: Option<String>,
    brief: bool,
    round: Round,
}

impl Steps for Dump {
    fn step(&mut self, scene: &Scene<'_>, page: &mut Page) -> bool {
        let Self { table: only, brief, round } = self;
        let Some((table, _)) = scene.tables.iter().nth(round.table) else { return false };
        if only.as_ref().is_some_and(|only| only.as_bytes() != table) {
            round.table += 1;
            return true;
        }
        let now = scene.seconds();
        let show = |aor: &[u8], set: &BindingSet| {
            if *brief {
                show_user(table, aor, set.live(now).count(), page);
                return;
            }
            for binding in set.live(now) {
                let shown = Shown { table, aor, binding, now };
                page.entry(|text| shown.push_line(text), |fields| shown.tell(fields));
            }
        };
        round.step(scene, show, |_| {})
    }
}

/// Writes a user and the number of contacts, if there are any.
fn show_user(table: &[u8], aor: &[u8], count: usize, page: &mut Page) {
    if count == 0 {
        return;
    }
    page.entry(
        |text| {
            push_user(text, table, aor);
            // A string takes all that is written to it.
            let _ = write!(text, " {count}");
        },
        |fields| {
            fields.bytes("table", table);
            fields.bytes("aor", aor);
            fields.number("contacts", count as u64);
        },
    );
}

/// What `ul_stats` has counted of the table that it is at.
#[derive(Debug, Default)]
pub(super) struct Tally {
    users: u64,
    contacts: u64,
    expired: u64,
    round: Round,
}

impl Steps for Tally {
    fn step(&mut self, scene: &Scene<'_>, page: &mut Page) -> bool {
        let now = scene.seconds();
        let Self { users, contacts, expired, round } = self;
        let mut counts = [*users, *contacts, *expired];
        let mut finished = None;
        let count = |_: &[u8], set: &BindingSet| {
            let live = set.live(now).count() as u64;
            counts[0] += u64::from(live > 0);
            counts[1] += live;
            counts[2] += set.all().len() as u64 - live;
        };
        let has_more = round.step(scene, count, |table| finished = Some(table.to_vec()));
        if let Some(table) = finished {
            show_tally(&table, mem::take(&mut counts), page);
        }
        [*users, *contacts, *expired] = counts;
        has_more
    }
}

/// Writes what was counted of a table.
fn show_tally(table: &[u8], [users, contacts, expired]: [u64; 3], page: &mut Page) {
    page.entry(
        |text| {
            push_visible(text, table);
            // A string takes all that is written to it.
            let _ = write!(text, " {users} {contacts} {expired}");
        },
        |fields| {
            fields.bytes("table", table);
            fields.number("users", users);
            fields.number("contacts", contacts);
            fields.number("expired", expired);
        },
    );
}

/// A sweep of all tables.
#[derive(Debug)]
pub(super) struct Flush {
    /// Users of the largest table, and shards, that are still to be looked at.
    left: usize,
}

impl Flush {
    /// A sweep that has not begun.
    pub(super) fn new(tables: &LocationTables) -> Self {
        let largest = tables.iter().map(|(_, table)| table.aor_count()).max().unwrap_or(0);
        Self { left: largest + 2 * CONTROL_STEP_AORS }
    }
}

impl Steps for Flush {
    fn step(&mut self, scene: &Scene<'_>, _: &mut Page) -> bool {
        let swept = scene.tables.sweep(scene.seconds(), CONTROL_STEP_AORS);
        if let Some(own) = scene.counters.last() {
            own.add(Counter::BindingsExpired, swept as u64);
        }
        self.left = self.left.saturating_sub(CONTROL_STEP_AORS);
        self.left > 0
    }
}
