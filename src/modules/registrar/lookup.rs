//! `lookup` and its kin.

use bumpalo::Bump;
use smallvec::SmallVec;

use super::super::core::branch::push;
use super::super::core::forward::show_listener;
use super::super::table::{text, verdict};
use super::super::textops::lines;
use super::record::tell_best;
use super::{aor_rules, config, key_of, tables};
use crate::location::{self, Binding, aor_key};
use crate::script::{Argument, Branch, Execution, FALSE, ReturnCode, TRUE, Transit};
use crate::sip::{Items, NameAddr};

/// `lookup(table[, uri])`: the contacts of the user become the destination set, in place of what
/// was in it.
pub(super) fn lookup<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let Some(aor) = aor(execution, arguments) else { return FALSE };
    let append = config(execution.program).append_branches;
    let most = if append { execution.program.settings().max_branches } else { 0 };
    let now = location::seconds(execution.host.now());
    let table = tables(&*execution.host).and_then(|tables| tables.get(text(arguments, 0)));
    let transit = &mut execution.transit;
    let found = table.and_then(|table| {
        table.lookup(aor, |set| {
            let mut live = set.live(now);
            let flags = take(live.next()?, transit);
            transit.branches.clear();
            for binding in live.by_ref().take(most) {
                let branch = branch(binding, transit.arena);
                transit.branches.push(branch);
            }
            Some((flags, append && live.next().is_some()))
        })?
    });
    let Some((flags, has_more)) = found else { return FALSE };
    execution.branch_flags = flags;
    tell_best(execution, text(arguments, 0), aor);
    if has_more {
        let text =
            format!("more contacts than max_branches ({most}) allows: the last are left out");
        execution.complain(&text);
    }
    TRUE
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
    let table = tables(&*execution.host).and_then(|tables| tables.get(table));
    let found = table.and_then(|table| {
        table.lookup(aor, |set| {
            set.live(now).take(most).map(|binding| branch(binding, arena)).collect()
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
pub(super) fn aor<'m>(execution: &Execution<'m>, arguments: &[Argument<'m>]) -> Option<&'m [u8]> {
    let (given, transit) = (text(arguments, 1), &execution.transit);
    let uri = match given {
        b"" if transit.message.method().is_none() => transit.to()?.uri,
        b"" => transit.uri,
        given => given,
    };
    aor_of(execution, uri)
}

/// The key of the user of a URI.
pub(super) fn aor_of<'m>(execution: &Execution<'m>, uri: &'m [u8]) -> Option<&'m [u8]> {
    match execution.uri_parts(uri) {
        Some(uri) => aor_key(uri, aor_rules(execution.program), execution.transit.arena),
        None => key_of(uri, execution.program, execution.transit.arena),
    }
}

/// Sends the request to the contact of `binding`; the flags of that.
fn take(binding: &Binding, transit: &mut Transit<'_>) -> u32 {
    let branch = branch(binding, transit.arena);
    transit.uri = branch.uri;
    transit.destination = branch.destination;
    transit.path = branch.path;
    transit.q = branch.q;
    transit.send_listener = branch.send_listener.or(transit.send_listener);
    branch.flags
}

/// The branch that goes to the contact of `binding`, copied: the binding may be gone before the
/// request has left.
fn branch<'m>(binding: &Binding, arena: &'m Bump) -> Branch<'m> {
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
    Branch {
        uri: arena.alloc_slice_copy(binding.contact()),
        destination,
        path,
        q: binding.q(),
        flags: binding.cflags(),
        send_listener: is_natted.then(|| binding.listener()),
    }
}
