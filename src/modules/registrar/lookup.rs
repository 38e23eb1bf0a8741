//! `lookup` and its kin.

use bumpalo::Bump;
use smallvec::SmallVec;

use super::super::core::branch::push;
use super::super::core::forward::show_listener;
use super::super::table::{text, verdict};
use super::super::textops::lines;
use super::record::tell_best;
use super::{config, key, key_of};
use crate::location::{self, Binding, BindingSet, LocationTable, RegistrarConfig};
use crate::mem::ListenerId;
use crate::script::{Argument, Branch, Execution, FALSE, Program, ReturnCode, TRUE, Transit};
use crate::sip::{Items, NameAddr, Scheme, is_sips};

/// `lookup(table[, uri])`: the contacts of the user become the destination set, in place of what
/// was in it. What goes to a `sips:` URI goes to such contacts only: no other is secure on each hop
/// (RFC 3261 §16.5).
pub(super) fn lookup<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let (Some(aor), [Argument::Text(name)]) = (usual_key(execution), arguments) else {
        return lookup_any(execution, arguments);
    };
    let now = location::moment(execution.host.monotonic_seconds());
    let Some(table) = execution.host.locations().and_then(|tables| tables.get(name)) else {
        return FALSE;
    };
    let (program, transit) = (execution.program, &mut execution.transit);
    let found = table.lookup_within(aor, |set| take_best(set, now, program, transit)).flatten();
    end(execution, (name, aor), found)
}

/// As [`lookup`], of any user.
#[inline(never)]
fn lookup_any<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let Some(aor) = aor(execution, arguments) else { return FALSE };
    let name = text(arguments, 0);
    let now = location::moment(execution.host.monotonic_seconds());
    let Some(table) = execution.host.locations().and_then(|tables| tables.get(name)) else {
        return FALSE;
    };
    let (program, transit) = (execution.program, &mut execution.transit);
    let found = if is_sips(transit.uri) {
        take_secure((table, aor), now, program, transit)
    } else {
        table.lookup(aor, |set| take_any(set, now, program, transit)).flatten()
    };
    end(execution, (name, aor), found)
}

/// The user of the Request-URI, if that is the key as it stands and any contact will do.
#[inline(always)]
fn usual_key<'m>(execution: &Execution<'m>) -> Option<&'m [u8]> {
    let transit = &execution.transit;
    transit.message.method()?;
    let uri = execution.known_parts(transit.uri).filter(|uri| uri.scheme == Scheme::Sip)?;
    super::own_key(uri, execution.program)
}

/// Notes what was found: the flags of the first contact, and whether there are too many.
#[inline(always)]
fn end<'m>(
    execution: &mut Execution<'m>,
    (name, aor): (&[u8], &'m [u8]),
    found: Option<(u32, bool)>,
) -> ReturnCode {
    let Some((flags, are_left_out)) = found else { return FALSE };
    execution.branch_flags = flags;
    if !execution.program.has_defaults::<RegistrarConfig>() {
        tell(execution, name, aor);
    }
    if are_left_out {
        complain_of_many(execution);
    }
    TRUE
}

/// Tells the contact in the attribute that is there for this, if one is.
#[inline(never)]
fn tell<'m>(execution: &mut Execution<'m>, name: &[u8], aor: &'m [u8]) {
    if !config(execution.program).xavp_rcd.is_empty() {
        tell_best(execution, name, aor);
    }
}

/// Makes the bindings the destination set, the first of them its first; the flags of that, and
/// whether there are too many. `None` if there are none.
#[inline(always)]
fn take_best(
    set: &BindingSet,
    now: u32,
    program: &Program,
    transit: &mut Transit<'_>,
) -> Option<(u32, bool)> {
    // Almost all users have one, at an address.
    if let [binding] = set.all()
        && binding.is_live(now)
        && let (Some(contact), Some(address)) = (binding.short_contact(), binding.address())
    {
        let (contact, length) = contact;
        transit.uri = &transit.arena.alloc_with(|| *contact)[..length];
        transit.q = binding.q();
        (transit.destination, transit.path) = (None, &[]);
        transit.known_address = Some((transit.uri, address));
        transit.branches.clear();
        return Some((binding.cflags(), false));
    }
    take_any(set, now, program, transit)
}

/// As [`take_best`], whatever the bindings are.
#[inline(never)]
fn take_any(
    set: &BindingSet,
    now: u32,
    program: &Program,
    transit: &mut Transit<'_>,
) -> Option<(u32, bool)> {
    let mut live = set.live(now);
    let first = live.next()?;
    take(first, transit);
    transit.branches.clear();
    let are_left_out = set.all().len() > 1 && append_others(live, program, transit);
    Some((first.cflags(), are_left_out))
}

/// Says that there are more contacts than a request may go to.
#[cold]
fn complain_of_many(execution: &mut Execution<'_>) {
    let most = execution.program.settings().max_branches;
    let text = format!("more contacts than max_branches ({most}) allows: the last are left out");
    execution.complain(&text);
}

/// As [`take_best`], of the bindings of a user with a `sips:` URI.
#[cold]
#[inline(never)]
fn take_secure(
    (table, aor): (&LocationTable, &[u8]),
    now: u32,
    program: &Program,
    transit: &mut Transit<'_>,
) -> Option<(u32, bool)> {
    let found = table.lookup(aor, |set| {
        let mut secure = set.live(now).filter(|binding| is_sips(binding.contact()));
        let first = secure.next()?;
        take(first, transit);
        transit.branches.clear();
        Some((first.cflags(), append_others(secure, program, transit)))
    });
    found.flatten()
}

/// Makes branches of the other bindings, if that is wanted; whether there are too many.
#[inline(never)]
fn append_others<'b>(
    mut others: impl Iterator<Item = &'b Binding>,
    program: &Program,
    transit: &mut Transit<'_>,
) -> bool {
    if !config(program).append_branches {
        return false;
    }
    for binding in others.by_ref().take(program.settings().max_branches) {
        transit.branches.push(branch(binding, transit.arena));
    }
    others.next().is_some()
}

/// `lookup_to_dset(table[, uri])`.
pub(super) fn lookup_to_dset<'m>(
    execution: &mut Execution<'m>,
    arguments: &[Argument<'m>],
) -> ReturnCode {
    let given = text(arguments, 1);
    let uri = if given.is_empty() { execution.transit.uri } else { given };
    let found = contacts(execution, text(arguments, 0), uri);
    let is_found = !found.is_empty();
    for branch in found {
        if !push(execution, branch) {
            break;
        }
    }
    verdict(is_found)
}

/// `lookup_branches(table)`.
pub(super) fn lookup_branches<'m>(
    execution: &mut Execution<'m>,
    arguments: &[Argument<'m>],
) -> ReturnCode {
    let before: SmallVec<[Branch<'m>; 4]> = execution.transit.branches.drain(..).collect();
    let mut is_found = lookup(execution, &arguments[..arguments.len().min(1)]) == TRUE;
    for branch in before {
        let mut found = contacts(execution, text(arguments, 0), branch.uri);
        is_found |= !found.is_empty();
        if found.is_empty() {
            found.push(branch);
        }
        for branch in found {
            if !push(execution, branch) {
                return verdict(is_found);
            }
        }
    }
    verdict(is_found)
}

/// The contacts of the user of a URI, as branches.
fn contacts<'m>(
    execution: &Execution<'m>,
    table: &[u8],
    uri: &'m [u8],
) -> SmallVec<[Branch<'m>; 4]> {
    let Some(aor) = aor_of(execution, uri) else { return SmallVec::new() };
    let now = location::seconds(execution.host.now());
    let most = execution.program.settings().max_branches + 1;
    let arena = execution.transit.arena;
    let is_secure = is_sips(uri);
    let table = execution.host.locations().and_then(|tables| tables.get(table));
    let found = table.and_then(|table| {
        table.lookup(aor, |set| {
            let live = set.live(now).filter(|it| !is_secure || is_sips(it.contact()));
            live.take(most).map(|binding| branch(binding, arena)).collect()
        })
    });
    found.unwrap_or_default()
}

/// `add_sock_hdr(name)`.
pub(super) fn add_sock_hdr<'m>(
    execution: &mut Execution<'m>,
    arguments: &[Argument<'m>],
) -> ReturnCode {
    let socket = show_listener(execution, execution.transit.listener);
    let Some(line) = lines(execution, &[text(arguments, 0), b": ", socket]) else { return FALSE };
    let at = execution.transit.message.headers_end();
    verdict(execution.transit.edits.insert(at, line))
}

/// The key of the user that is meant: the one of the URI given as second argument, or of the
/// Request-URI, or in a response of To.
#[inline(never)]
pub(super) fn aor<'m>(execution: &Execution<'m>, arguments: &[Argument<'m>]) -> Option<&'m [u8]> {
    let (given, transit) = (text(arguments, 1), &execution.transit);
    let uri = match given {
        b"" if transit.message.method().is_none() => uri_in_to(transit)?,
        b"" => transit.uri,
        given => given,
    };
    aor_of(execution, uri)
}

/// The URI in To.
#[inline(never)]
fn uri_in_to<'m>(transit: &Transit<'m>) -> Option<&'m [u8]> {
    Some(transit.to()?.uri)
}

/// The key of the user of a URI.
#[inline(always)]
pub(super) fn aor_of<'m>(execution: &Execution<'m>, uri: &'m [u8]) -> Option<&'m [u8]> {
    match execution.uri_parts(uri) {
        Some(uri) => key(uri, execution.program, execution.transit.arena),
        None => key_of(uri, execution.program, execution.transit.arena),
    }
}

/// Sends the request to the contact of `binding`.
fn take(binding: &Binding, transit: &mut Transit<'_>) {
    transit.uri = transit.arena.alloc_slice_copy(binding.contact());
    transit.q = binding.q();
    (transit.destination, transit.path) = (None, &[]);
    if !binding.is_direct() {
        let way = Way::of(binding, transit.arena);
        (transit.destination, transit.path) = (way.destination, way.path);
        transit.send_listener = way.send_listener.or(transit.send_listener);
    }
    // By a path the request goes elsewhere first.
    let address = binding.address().filter(|_| transit.path.is_empty());
    let uri = transit.destination.unwrap_or(transit.uri);
    transit.known_address = address.map(|address| (uri, address));
}

/// The branch that goes to the contact of `binding`.
fn branch<'m>(binding: &Binding, arena: &'m Bump) -> Branch<'m> {
    let Way { destination, path, send_listener } = Way::of(binding, arena);
    Branch {
        uri: arena.alloc_slice_copy(binding.contact()),
        destination,
        path,
        q: binding.q(),
        flags: binding.cflags(),
        send_listener,
    }
}

/// How a contact is reached, if not at its URI. All of it is copied: the binding may be gone
/// before the request has left.
struct Way<'m> {
    destination: Option<&'m [u8]>,
    path: &'m [u8],
    send_listener: Option<ListenerId>,
}

impl<'m> Way<'m> {
    /// The way to the contact of `binding`.
    #[inline(never)]
    fn of(binding: &Binding, arena: &'m Bump) -> Self {
        let path: &'m [u8] = arena.alloc_slice_copy(binding.path());
        let first_hop = Items::new(path).next().and_then(|hop| NameAddr::parse(hop).ok());
        let received = || &*arena.alloc_slice_copy(binding.received());
        let destination = match first_hop {
            Some(hop) => Some(hop.uri),
            None if binding.received().is_empty() => None,
            None => Some(received()),
        };
        // The way back through the NAT is open for the socket that the REGISTER came in at.
        let is_natted = !binding.received().is_empty();
        Self { destination, path, send_listener: is_natted.then(|| binding.listener()) }
    }
}
