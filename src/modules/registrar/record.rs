//! What a script knows a single binding by, and what `registered` and `lookup` tell of one:
//! `ruid`, `xavp_cfg`, `xavp_rcd`.

use md5::{Digest, Md5};

use super::super::table::{int, text, verdict};
use super::config;
use super::lookup::{aor, aor_of};
use crate::location::registrar::unregister_where;
use crate::location::{self, Binding, BindingView, registrar};
use crate::script::{Argument, Execution, FALSE, ReturnCode, TRUE, Value, XavpKind, XavpPath};

/// What `unregister` returns if the contact to be removed is not named by a user.
const NO_USER: ReturnCode = -2;

/// What `unregister` returns if the user has no such contact.
const NO_RECORD: ReturnCode = -3;

/// Match option: the Call-ID of the REGISTER.
const MATCH_CALL_ID: i64 = 1;

/// Match option: the source address.
const MATCH_RECEIVED: i64 = 2;

/// Match option: the Contact URI.
const MATCH_CONTACT: i64 = 4;

/// Match action: nothing is told about the contact.
const SKIP_RECORD: i64 = 2;

/// What a contact of a user is known by, as long as the user has it: the same in all workers and
/// after a restart.
pub(super) fn ruid<'m>(execution: &Execution<'m>, aor: &[u8], contact: &[u8]) -> &'m [u8] {
    execution.build(&[RUID_START, &ruid_digits(aor, contact)])
}

/// How all of them begin.
const RUID_START: &[u8] = b"uloc-";

/// The rest: the start of a sum over user and contact, in hexadecimal.
fn ruid_digits(aor: &[u8], contact: &[u8]) -> [u8; 16] {
    let sum = Md5::new().chain_update(aor).chain_update(b"\0").chain_update(contact).finalize();
    let digit = |at: usize| {
        let byte = sum[at / 2];
        b"0123456789abcdef"[usize::from(if at.is_multiple_of(2) { byte >> 4 } else { byte & 15 })]
    };
    std::array::from_fn(digit)
}

/// `registered(table[, uri[, match_option[, match_action]]])`.
pub(super) fn registered<'m>(
    execution: &mut Execution<'m>,
    arguments: &[Argument<'m>],
) -> ReturnCode {
    let Some(aor) = aor(execution, arguments) else { return FALSE };
    let wanted = Wanted::of(execution, int(arguments, 2).unwrap_or_default());
    let now = location::seconds(execution.host.now());
    let table = execution.host.locations().and_then(|tables| tables.get(text(arguments, 0)));
    let found = table.and_then(|table| {
        table.lookup(aor, |set| {
            let binding = set.live(now).find(|binding| wanted.fits(&binding.view()))?;
            Some(Record::of(execution, aor, binding, now))
        })?
    });
    let Some(record) = found else { return FALSE };
    if int(arguments, 3).unwrap_or_default() & SKIP_RECORD == 0
        && let Some(record) = record
    {
        record.tell(execution);
    }
    TRUE
}

/// `unregister(table, uri[, ruid])`.
pub(super) fn unregister<'m>(
    execution: &mut Execution<'m>,
    arguments: &[Argument<'m>],
) -> ReturnCode {
    let (uri, wanted) = (text(arguments, 1), text(arguments, 2));
    if uri.is_empty() {
        return if wanted.is_empty() { FALSE } else { NO_USER };
    }
    let Some(aor) = aor_of(execution, uri) else { return FALSE };
    let now = location::seconds(execution.host.now());
    let table = execution.host.locations().and_then(|tables| tables.get(text(arguments, 0)));
    if wanted.is_empty() {
        table.map(|table| registrar::unregister(table, aor, now));
        return TRUE;
    }
    let Some(digits) = wanted.strip_prefix(RUID_START) else { return NO_RECORD };
    let is_wanted = |binding: &Binding| ruid_digits(aor, binding.contact()) == *digits;
    match table.is_some_and(|table| unregister_where(table, aor, now, is_wanted)) {
        true => TRUE,
        false => NO_RECORD,
    }
}

/// Tells the best contact of a user in the attribute that `xavp_rcd` names.
#[inline(never)]
pub(super) fn tell_best<'m>(execution: &mut Execution<'m>, table: &[u8], aor: &'m [u8]) {
    let now = location::seconds(execution.host.now());
    let table = execution.host.locations().and_then(|tables| tables.get(table));
    let best = table.and_then(|table| {
        table.lookup(aor, |set| Record::of(execution, aor, set.live(now).next()?, now))?
    });
    if let Some(best) = best {
        best.tell(execution);
    }
}

/// What the contact that `registered` asks for has to have; what is not told fits any.
struct Wanted<'m> {
    call_id: Option<&'m [u8]>,
    received: Option<&'m [u8]>,
    contact: Option<&'m [u8]>,
}

impl<'m> Wanted<'m> {
    /// What the members of the attribute `xavp_cfg` say, as far as they are asked for.
    fn of(execution: &Execution<'m>, options: i64) -> Self {
        let told = |option: i64, name: &'static [u8]| {
            if options & option == 0 {
                return None;
            }
            match setting(execution, name) {
                Value::Text(text) => Some(text),
                _ => None,
            }
        };
        Self {
            call_id: told(MATCH_CALL_ID, b"match_callid"),
            received: told(MATCH_RECEIVED, b"match_received"),
            contact: told(MATCH_CONTACT, b"match_contact"),
        }
    }

    /// Whether a contact has it.
    fn fits(&self, view: &BindingView<'_>) -> bool {
        let fits = |wanted: Option<&[u8]>, has: &[u8]| wanted.is_none_or(|wanted| wanted == has);
        fits(self.call_id, view.call_id)
            && fits(self.received, view.received)
            && fits(self.contact, view.contact)
    }
}

/// The member of that name of the attribute that `xavp_cfg` names.
pub(super) fn setting<'m>(execution: &Execution<'m>, name: &'static [u8]) -> Value<'m> {
    match &*config(execution.program).xavp_cfg {
        b"" => Value::Null,
        root => execution.xavp(XavpKind::Stacked, XavpPath::new(root, Some(name))),
    }
}

/// What is told of a contact, copied out of the table.
pub(super) struct Record<'m> {
    ruid: &'m [u8],
    contact: &'m [u8],
    received: &'m [u8],
    expires: u32,
}

impl<'m> Record<'m> {
    /// What is to be told of a binding; `None` if `xavp_rcd` is not set.
    pub(super) fn of(
        execution: &Execution<'m>,
        aor: &[u8],
        binding: &Binding,
        now: u32,
    ) -> Option<Self> {
        if config(execution.program).xavp_rcd.is_empty() {
            return None;
        }
        Some(Self {
            ruid: ruid(execution, aor, binding.contact()),
            contact: execution.build(&[binding.contact()]),
            received: execution.build(&[binding.received()]),
            expires: binding.expires_at().saturating_sub(now),
        })
    }

    /// Tells it, in a new attribute.
    pub(super) fn tell(&self, execution: &mut Execution<'m>) -> ReturnCode {
        let program = execution.program;
        let root: &'m [u8] = &config(program).xavp_rcd;
        let member = |name| XavpPath::new(root, Some(name));
        let mut put = |path, value| execution.xavp_put(XavpKind::Stacked, path, value);
        verdict(
            put(member(b"ruid"), Value::Text(self.ruid))
                && put(member(b"contact").at(0), Value::Text(self.contact))
                && put(member(b"expires").at(0), Value::Int(self.expires.into()))
                && (self.received.is_empty()
                    || put(member(b"received").at(0), Value::Text(self.received))),
        )
    }
}
