//! `reg_fetch_contacts` and `$ulc(...)`: what is known of the contacts of a user.

use super::super::core::forward::show_listener;
use super::super::table::{text, verdict};
use super::lookup::aor_of;
use super::record::ruid;
use crate::location::{self, Binding};
use crate::mem::ListenerId;
use crate::script::{
    Argument, Execution, FALSE, Index, Key, PseudoVariable, ReturnCode, Value, XavpKind, XavpPath,
};

/// The variables.
pub(super) const VARIABLES: &[PseudoVariable] = &[PseudoVariable {
    name: "ulc",
    aliases: &[],
    keyed: true,
    keys: &[],
    read: contact,
    write: None,
    doc: "What `reg_fetch_contacts` has found: `$ulc(profile=>count)`, and of the contact that the \
          index means, 0 being the best, `$(ulc(profile=>addr)[0])`: `addr`, `received`, `path`, \
          `socket`, `q`, `callid`, `cseq`, `expires` (seconds left), `cflags`, `user_agent`, \
          `aor`, `domain` (the table), `ruid`.",
}];

/// What is kept of a contact, copied out of the table.
struct Found<'m> {
    contact: &'m [u8],
    received: &'m [u8],
    path: &'m [u8],
    call_id: &'m [u8],
    user_agent: &'m [u8],
    q: Option<u16>,
    cseq: u32,
    expires: u32,
    cflags: u32,
    listener: ListenerId,
}

/// `reg_fetch_contacts(table, uri, profile)`.
pub(super) fn fetch<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let profile = text(arguments, 2);
    if XavpPath::parse(profile).is_none() {
        return FALSE;
    }
    free(execution, &[Argument::Text(profile)]);
    let Some(aor) = aor_of(execution, text(arguments, 1)) else { return FALSE };
    let now = location::seconds(execution.host.now());
    let table = execution.host.locations().and_then(|tables| tables.get(text(arguments, 0)));
    let found = table.and_then(|table| {
        table.lookup(aor, |set| {
            let live = set.live(now).map(|binding| Found::of(binding, now, execution));
            live.collect::<Vec<_>>()
        })
    });
    let found = found.unwrap_or_default();
    // The newest attribute is the first, so that the best contact is put there last.
    for contact in found.iter().rev() {
        if !contact.keep(execution, profile, (text(arguments, 0), aor)) {
            return FALSE;
        }
    }
    verdict(!found.is_empty())
}

/// `reg_free_contacts(profile)`.
pub(super) fn free<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let profile = text(arguments, 0);
    if XavpPath::parse(profile).is_none() {
        return FALSE;
    }
    let path = XavpPath::new(profile, None);
    let is_found = execution.xavp_count(XavpKind::Contacts, path) > 0;
    while execution.xavp_count(XavpKind::Contacts, path) > 0 {
        execution.xavp_remove(XavpKind::Contacts, path);
    }
    verdict(is_found)
}

/// `$ulc(profile=>part)`.
fn contact<'m>(execution: &Execution<'m>, key: Key<'m>, index: Index) -> Value<'m> {
    let Key::Name(name) = key else { return Value::Null };
    let Some(arrow) = memchr::memmem::find(name, b"=>") else { return Value::Null };
    let (profile, part) = (&name[..arrow], &name[arrow + 2..]);
    let root = XavpPath::new(profile, None);
    if part == b"count" {
        let count = execution.xavp_count(XavpKind::Contacts, root);
        return Value::Int(i64::try_from(count).unwrap_or(i64::MAX));
    }
    let at = match index {
        Index::At(at) => at,
        Index::None | Index::All => 0,
    };
    execution.xavp(XavpKind::Contacts, XavpPath::new(profile, Some(part)).at(at))
}

impl<'m> Found<'m> {
    /// What a binding has: it may be gone before the script asks.
    fn of(binding: &Binding, now: u32, execution: &Execution<'m>) -> Self {
        let view = binding.view();
        let copy = |text: &[u8]| &*execution.transit.arena.alloc_slice_copy(text);
        let (expires_at, cseq) = binding.state();
        Self {
            contact: copy(view.contact),
            received: copy(view.received),
            path: copy(view.path),
            call_id: copy(view.call_id),
            user_agent: copy(view.user_agent),
            q: view.q,
            cseq,
            expires: expires_at.saturating_sub(now),
            cflags: view.cflags,
            listener: view.listener,
        }
    }

    /// Keeps it on top of a profile; false if the run keeps too much already.
    fn keep(
        &self,
        execution: &mut Execution<'m>,
        profile: &'m [u8],
        (table, aor): (&'m [u8], &'m [u8]),
    ) -> bool {
        let filled = |text: &'m [u8]| Some(Value::Text(text)).filter(|_| !text.is_empty());
        let socket = show_listener(execution, self.listener);
        let ruid = ruid(execution, aor, self.contact);
        let members: [(&[u8], Option<Value<'m>>); 13] = [
            (b"addr", Some(Value::Text(self.contact))),
            (b"received", filled(self.received)),
            (b"path", filled(self.path)),
            (b"socket", Some(Value::Text(socket))),
            (b"q", self.q.map(|q| Value::Int(q.into()))),
            (b"callid", Some(Value::Text(self.call_id))),
            (b"cseq", Some(Value::Int(self.cseq.into()))),
            (b"expires", Some(Value::Int(self.expires.into()))),
            (b"cflags", Some(Value::Int(self.cflags.into()))),
            (b"user_agent", filled(self.user_agent)),
            (b"aor", Some(Value::Text(aor))),
            (b"domain", Some(Value::Text(table))),
            (b"ruid", Some(Value::Text(ruid))),
        ];
        let mut is_first = true;
        for (name, value) in members {
            let Some(value) = value else { continue };
            let path = XavpPath::new(profile, Some(name));
            let path = if is_first { path } else { path.at(0) };
            if !execution.xavp_put(XavpKind::Contacts, path, value) {
                return false;
            }
            is_first = false;
        }
        true
    }
}
