//! Commands about the location tables. They act on the tables that the workers use: reading takes
//! no lock but for a moment, changing takes that of the user's shard, as a REGISTER does.

use std::fmt::Write as _;
use std::mem;

use bumpalo::Bump;

use super::answer::{Failure, Rest, Steps};
use super::general::none;
use super::page::{Page, push_visible};
use super::scene::Scene;
use crate::limits::{BINDING_BYTES_MAX, CONTROL_STEP_AORS};
use crate::location::registrar::{Outcome, Registration, Request, register, unregister};
use crate::location::{Binding, BindingSet, LocationTable, RegistrarConfig, Walk, aor_key};
use crate::mem::ListenerId;
use crate::metrics::Counter;
use crate::sip::{QValue, Uri, parse_qvalue};

/// The table that `save` and `lookup` mean.
const LOCATION: &str = "location";

/// The table that `serctl` keeps aliases in.
const ALIASES: &str = "aliases";

/// The expiry of a binding that has none: later than any moment.
const PERMANENT: u32 = u32::MAX;

/// `ul_dump [brief | TABLE]`.
pub(super) fn ul_dump(_: &Scene<'_>, words: &[&str], _: &mut Page) -> Result<Rest, Failure> {
    match words {
        [] => Ok(dump(None, false)),
        ["brief"] => Ok(dump(None, true)),
        [table] => Ok(dump(Some(table), false)),
        [_, word, ..] => Err(Failure::bad(format!("`{word}` is one word too many"))),
    }
}

/// `ul show [USER | --brief]`.
pub(super) fn show_users(
    scene: &Scene<'_>,
    words: &[&str],
    page: &mut Page,
) -> Result<Rest, Failure> {
    match words {
        [] => Ok(dump(None, false)),
        ["--brief"] => Ok(dump(None, true)),
        [user] => show_contacts(scene, LOCATION, user, page),
        _ => Err(Failure::bad("usage: ul show [USER | --brief]")),
    }
}

/// `alias show [ALIAS]`.
pub(super) fn show_aliases(
    scene: &Scene<'_>,
    words: &[&str],
    page: &mut Page,
) -> Result<Rest, Failure> {
    match words {
        [] => Ok(dump(Some(ALIASES), false)),
        [alias] => show_contacts(scene, ALIASES, alias, page),
        _ => Err(Failure::bad("usage: alias show [ALIAS]")),
    }
}

/// `ul_show_contact TABLE USER`.
pub(super) fn ul_show_contact(
    scene: &Scene<'_>,
    words: &[&str],
    page: &mut Page,
) -> Result<Rest, Failure> {
    let [table, user] = words else {
        return Err(Failure::bad("usage: ul_show_contact TABLE USER"));
    };
    show_contacts(scene, table, user, page)
}

/// `ul_add TABLE USER URI [EXPIRES [Q]]`. SER, OpenSER and Kamailio send more words behind these,
/// about replication and flags, which change nothing.
pub(super) fn ul_add(scene: &Scene<'_>, words: &[&str], _: &mut Page) -> Result<Rest, Failure> {
    const WORD_COUNT_MAX: usize = 9;
    let [table, user, uri, more @ ..] = words else {
        return Err(Failure::bad("usage: ul_add TABLE USER URI [EXPIRES [Q]]"));
    };
    if words.len() > WORD_COUNT_MAX {
        return Err(Failure::bad(format!("more than {WORD_COUNT_MAX} words")));
    }
    let expires = match more.first() {
        None => 0,
        Some(text) => {
            text.parse().map_err(|_| Failure::bad(format!("`{text}` is no number of seconds")))?
        }
    };
    add(scene, (table, user), uri, expires, more.get(1).copied())
}

/// `ul add USER URI`.
pub(super) fn add_user(scene: &Scene<'_>, words: &[&str], _: &mut Page) -> Result<Rest, Failure> {
    let [user, uri] = words else { return Err(Failure::bad("usage: ul add USER URI")) };
    add(scene, (LOCATION, user), uri, 0, None)
}

/// `alias add ALIAS URI`.
pub(super) fn add_alias(scene: &Scene<'_>, words: &[&str], _: &mut Page) -> Result<Rest, Failure> {
    let [alias, uri] = words else { return Err(Failure::bad("usage: alias add ALIAS URI")) };
    add(scene, (ALIASES, alias), uri, 0, None)
}

/// `ul_rm TABLE USER`.
pub(super) fn ul_rm(scene: &Scene<'_>, words: &[&str], _: &mut Page) -> Result<Rest, Failure> {
    let [table, user] = words else { return Err(Failure::bad("usage: ul_rm TABLE USER")) };
    remove(scene, table, user)
}

/// `ul_rm_contact TABLE USER URI`.
pub(super) fn ul_rm_contact(
    scene: &Scene<'_>,
    words: &[&str],
    _: &mut Page,
) -> Result<Rest, Failure> {
    let [table, user, uri] = words else {
        return Err(Failure::bad("usage: ul_rm_contact TABLE USER URI"));
    };
    remove_contact(scene, (table, user), uri)
}

/// `ul rm USER [URI]`.
pub(super) fn remove_user(
    scene: &Scene<'_>,
    words: &[&str],
    _: &mut Page,
) -> Result<Rest, Failure> {
    match words {
        [user] => remove(scene, LOCATION, user),
        [user, uri] => remove_contact(scene, (LOCATION, user), uri),
        _ => Err(Failure::bad("usage: ul rm USER [URI]")),
    }
}

/// `alias rm ALIAS`.
pub(super) fn remove_alias(
    scene: &Scene<'_>,
    words: &[&str],
    _: &mut Page,
) -> Result<Rest, Failure> {
    let [alias] = words else { return Err(Failure::bad("usage: alias rm ALIAS")) };
    remove(scene, ALIASES, alias)
}

/// `ul_stats`.
pub(super) fn ul_stats(_: &Scene<'_>, words: &[&str], page: &mut Page) -> Result<Rest, Failure> {
    none(words)?;
    if page.is_text() {
        page.line("table users contacts expired");
    }
    Ok(Rest::Steps(Box::new(Tally::default())))
}

/// `ul_flush`.
pub(super) fn ul_flush(scene: &Scene<'_>, words: &[&str], _: &mut Page) -> Result<Rest, Failure> {
    none(words)?;
    let left = scene.tables.iter().map(|(_, table)| table.aor_count()).max().unwrap_or(0);
    // A sweep looks at each shard as well.
    Ok(Rest::Steps(Box::new(Flush { left: left + 2 * CONTROL_STEP_AORS })))
}

/// Lists the contacts of a user.
fn show_contacts(
    scene: &Scene<'_>,
    name: &str,
    user: &str,
    page: &mut Page,
) -> Result<Rest, Failure> {
    let now = scene.seconds();
    let arena = Bump::new();
    let aor = key(scene, user, &arena)?;
    let mut is_found = false;
    let show = |set: &BindingSet| {
        for binding in set.live(now) {
            is_found = true;
            let fields = Shown { table: name.as_bytes(), aor, binding, now };
            page.entry(|text| fields.push_contact(text), |object| fields.tell(object));
        }
    };
    table(scene, name)?.lookup(aor, show);
    if is_found { Ok(Rest::Nothing) } else { Err(no_user(name, user)) }
}

/// Binds a user to a contact, by the rules for REGISTER but for the time.
fn add(
    scene: &Scene<'_>,
    (name, user): (&str, &str),
    uri: &str,
    expires: u32,
    q: Option<&str>,
) -> Result<Rest, Failure> {
    let arena = Bump::new();
    let aor = key(scene, user, &arena)?;
    let table = scene
        .tables
        .get_or_create(name.as_bytes())
        .ok_or_else(|| Failure(500, "there are too many location tables".into()))?;
    let expires = if expires == 0 { PERMANENT } else { expires };
    let q = match q {
        None => String::new(),
        Some(text) => match parse_qvalue(text.as_bytes()) {
            Some(q) => format!(";q={}", QValue(q)),
            None => return Err(Failure::bad(format!("`{text}` is no q, from 0 to 1"))),
        },
    };
    change(scene, (table, aor), &format!("<{}>;expires={expires}{q}", contact(uri)?))?;
    Ok(Rest::Nothing)
}

/// Removes all contacts of a user.
fn remove(scene: &Scene<'_>, name: &str, user: &str) -> Result<Rest, Failure> {
    let arena = Bump::new();
    let aor = key(scene, user, &arena)?;
    if unregister(table(scene, name)?, aor, scene.seconds()) {
        Ok(Rest::Nothing)
    } else {
        Err(no_user(name, user))
    }
}

/// Removes a contact of a user.
fn remove_contact(
    scene: &Scene<'_>,
    (name, user): (&str, &str),
    uri: &str,
) -> Result<Rest, Failure> {
    let arena = Bump::new();
    let aor = key(scene, user, &arena)?;
    let table = table(scene, name)?;
    match change(scene, (table, aor), &format!("<{}>;expires=0", contact(uri)?))? {
        Outcome::Deleted => Ok(Rest::Nothing),
        _ => Err(Failure::missing(format!("`{user}` has no contact `{uri}` in table `{name}`"))),
    }
}

/// Does to a user's contacts what a REGISTER with this Contact would do.
fn change(
    scene: &Scene<'_>,
    (table, aor): (&LocationTable, &[u8]),
    contact: &str,
) -> Result<Outcome, Failure> {
    let config =
        RegistrarConfig { min_expires: 0, max_expires: 0, ..scene.facts.registrar.clone() };
    let call_id = scene.facts.next_call_id();
    let registration = Registration {
        call_id: call_id.as_bytes(),
        cseq: 1,
        path: b"",
        user_agent: b"viaduct ctl",
        listener: ListenerId(0),
        cflags: 0,
        received: None,
        replaces_others: false,
    };
    let refused = |why: &dyn std::fmt::Display| Failure::bad(format!("refused: {why}"));
    let request = Request::parse(std::iter::once(contact.as_bytes()), None, &config)
        .map_err(|rejection| refused(&rejection))?;
    register(table, aor, (&request, &registration), &config, scene.seconds())
        .map_err(|rejection| refused(&rejection))
}

/// The table of that name.
fn table<'a>(scene: &Scene<'a>, name: &str) -> Result<&'a LocationTable, Failure> {
    let missing =
        || Failure::missing(format!("there is no table `{name}`, or nothing was saved to it"));
    scene.tables.get(name.as_bytes()).ok_or_else(missing)
}

/// The key of `bob`, `bob@example.com` or `sip:bob@example.com`.
fn key<'a>(scene: &Scene<'_>, user: &str, arena: &'a Bump) -> Result<&'a [u8], Failure> {
    let (has_scheme, has_domain) = (user.starts_with("sip:"), user.contains('@'));
    let rules = scene.facts.aor_rules();
    if rules.use_domain && !has_domain {
        return Err(Failure::bad(format!("`{user}` has no domain, and domains count here")));
    }
    let scheme = if has_scheme { "" } else { "sip:" };
    let domain = if has_domain { "" } else { "@localhost" };
    let text = arena.alloc_str(&format!("{scheme}{user}{domain}"));
    let uri = Uri::parse(text.as_bytes()).ok();
    uri.and_then(|uri| aor_key(&uri, rules, arena))
        .ok_or_else(|| Failure::bad(format!("`{user}` is no user")))
}

/// A Contact URI that can stand between `<` and `>`.
fn contact(uri: &str) -> Result<&str, Failure> {
    let is_odd = |byte: u8| matches!(byte, b'<' | b'>' | b'"') || byte <= b' ';
    if uri.len() > BINDING_BYTES_MAX || uri.bytes().any(is_odd) {
        return Err(Failure::bad(format!("`{uri}` is no URI")));
    }
    match Uri::parse(uri.as_bytes()) {
        Ok(_) => Ok(uri),
        Err(error) => Err(Failure::bad(format!("`{uri}` is no URI: {error}"))),
    }
}

/// The answer where a user has no contact.
fn no_user(table: &str, user: &str) -> Failure {
    Failure::missing(format!("`{user}` has no contact in table `{table}`"))
}

/// A contact that is shown.
struct Shown<'a> {
    table: &'a [u8],
    aor: &'a [u8],
    binding: &'a Binding,
    now: u32,
}

impl Shown<'_> {
    /// Seconds that are left; none if it stays until it is removed.
    fn seconds(&self) -> Option<u64> {
        let expires_at = self.binding.expires_at();
        (expires_at != PERMANENT).then(|| u64::from(expires_at.saturating_sub(self.now)))
    }

    /// `<uri>;q=0.00;expires=456`: a contact without q counts as the last one.
    fn push_contact(&self, text: &mut String) {
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
    fn tell(&self, fields: &mut super::page::Fields<'_>) {
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
fn dump(table: Option<&str>, brief: bool) -> Rest {
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
struct Tally {
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
struct Flush {
    /// Users of the largest table that are still to be looked at.
    left: usize,
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
