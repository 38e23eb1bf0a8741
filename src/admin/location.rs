//! Commands about the location tables. They act on the tables that the workers use: reading takes
//! no lock but for a moment, changing takes that of the user's shard, as a REGISTER does.

use bumpalo::Bump;

use super::answer::{Failure, Rest};
use super::general::none;
use super::listing::{Flush, PERMANENT, Shown, Tally, dump};
use super::page::Page;
use super::scene::Scene;
use crate::limits::BINDING_BYTES_MAX;
use crate::location::registrar::{Outcome, Registration, Request, register, unregister};
use crate::location::{BindingSet, LocationTable, RegistrarConfig, aor_key};
use crate::mem::ListenerId;
use crate::sip::{QValue, Uri, parse_qvalue};

/// The table that `save` and `lookup` mean.
const LOCATION: &str = "location";

/// The table that `serctl` keeps aliases in.
const ALIASES: &str = "aliases";

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
    Ok(Rest::Steps(Box::new(Flush::new(scene.tables))))
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
    let full = || Failure(500, "there are too many location tables".into());
    let table = || scene.tables.get_or_create(name.as_bytes()).ok_or_else(full);
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
    let table = || table(scene, name);
    match change(scene, (table, aor), &format!("<{}>;expires=0", contact(uri)?))? {
        Outcome::Deleted => Ok(Rest::Nothing),
        _ => Err(Failure::missing(format!("`{user}` has no contact `{uri}` in table `{name}`"))),
    }
}

/// Does to a user's contacts what a REGISTER with this Contact would do. The table, which may come
/// to be for it and then stays, is taken when nothing is wrong with the Contact.
fn change<'a>(
    scene: &Scene<'a>,
    (table, aor): (impl FnOnce() -> Result<&'a LocationTable, Failure>, &[u8]),
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
        received: b"",
        q: None,
        replaces_others: false,
        newest_first: scene.facts.usrloc.newest_first || config.newest_first,
    };
    let refused = |why: &dyn std::fmt::Display| Failure::bad(format!("refused: {why}"));
    let request = Request::parse(std::iter::once(contact.as_bytes()), None, &config)
        .map_err(|rejection| refused(&rejection))?;
    register(table()?, aor, (&request, &registration), &config, scene.seconds())
        .map_err(|rejection| refused(&rejection))
}

/// The table of that name.
fn table<'a>(scene: &Scene<'a>, name: &str) -> Result<&'a LocationTable, Failure> {
    let missing =
        || Failure::missing(format!("there is no table `{name}`, or nothing was saved to it"));
    scene.tables.get(name.as_bytes()).ok_or_else(missing)
}

/// The key of `bob`, `bob@example.com`, `sip:bob@example.com` or `sip:example.com`.
fn key<'a>(scene: &Scene<'_>, user: &str, arena: &'a Bump) -> Result<&'a [u8], Failure> {
    let (has_scheme, has_domain) = (user.starts_with("sip:"), user.contains('@'));
    let rules = scene.facts.aor_rules();
    if rules.use_domain && !has_domain && !has_scheme {
        return Err(Failure::bad(format!("`{user}` has no domain, and domains count here")));
    }
    let scheme = if has_scheme { "" } else { "sip:" };
    let domain = if has_domain || has_scheme { "" } else { "@localhost" };
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
