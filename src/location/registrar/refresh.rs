//! The REGISTER that a phone sends again and again: all that changes is when its binding ends.
//!
//! A short way to what [`super::register`] does; what is not just so goes the long way.

use super::{Registration, granted};
use crate::location::{Binding, BindingSet, LocationTable, RegistrarConfig, TableFull};
use crate::sip::{equal_long, parse_delta_seconds};

/// The header fields of a REGISTER that say what it wants: the value of its only Contact, and that
/// of Expires, if it has one.
#[derive(Clone, Copy, Debug)]
pub struct Renewal<'a> {
    /// The Contact value.
    pub contact: &'a [u8],
    /// The seconds in Expires.
    pub expires: Option<u32>,
}

/// Something else than a refresh.
struct Other;

impl From<TableFull> for Other {
    fn from(_: TableFull) -> Self {
        Self
    }
}

/// Refreshes the binding of a user who has one, in place, and shows it to `tell`. `None`, and
/// nothing has changed, if the request may be about anything else.
#[inline(always)]
pub fn refresh<R>(
    table: &LocationTable,
    aor: &[u8],
    (renewal, registration): (Renewal<'_>, &Registration<'_>),
    (config, now): (&RegistrarConfig, u32),
    tell: impl FnOnce(&BindingSet) -> R,
) -> Option<R> {
    let refreshed = table.update(aor, |present| {
        let [binding] = present.all() else { return Err(Other) };
        let seconds = seconds(binding, renewal, config).ok_or(Other)?;
        if !is_renewed(binding, registration, (config, now)) {
            return Err(Other);
        }
        binding.refresh(now.saturating_add(seconds), registration.cseq);
        Ok((None, tell(present)))
    });
    refreshed.ok()
}

/// The seconds that a binding is granted if the Contact value is its Contact URI in angle
/// brackets, with nothing behind it but `expires`. The URI itself was looked at when it came first.
#[inline(always)]
fn seconds(binding: &Binding, renewal: Renewal<'_>, config: &RegistrarConfig) -> Option<u32> {
    let uri = binding.contact();
    let (own_uri, behind) = renewal.contact.strip_prefix(b"<")?.split_at_checked(uri.len())?;
    let params = behind.strip_prefix(b">").filter(|_| equal_long(own_uri, uri))?;
    let own = match params {
        [] => None,
        params => Some(parse_delta_seconds(params.strip_prefix(b";expires=")?).ok()?),
    };
    let seconds = granted(own.or(renewal.expires), config).ok()?;
    (seconds > 0 && uri.len() <= config.contact_bytes_max).then_some(seconds)
}

/// Whether a REGISTER that names the contact of `binding` changes nothing but its expiry and CSeq,
/// and came in order.
#[inline(always)]
fn is_renewed(
    binding: &Binding,
    registration: &Registration<'_>,
    (config, now): (&RegistrarConfig, u32),
) -> bool {
    let Registration { call_id, cseq, received, path, user_agent, listener, cflags, .. } =
        *registration;
    let (expires_at, last_cseq) = binding.state();
    expires_at > now
        && cseq > last_cseq
        && binding.is_of(call_id, user_agent)
        && binding.goes(received, path)
        && binding.q() == registration.q.or(config.default_q)
        && binding.listener() == listener
        && binding.cflags() == cflags
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::super::{Request, register};
    use super::*;
    use crate::mem::ListenerId;

    /// A REGISTER and when it comes.
    #[derive(Clone, Copy, Debug)]
    struct Step {
        contact: &'static str,
        expires: Option<u32>,
        call_id: &'static str,
        cseq: u32,
        user_agent: &'static str,
        path: &'static str,
        received: &'static str,
        listener: u16,
        cflags: u32,
        replaces_others: bool,
        q: Option<u16>,
        after: u32,
    }

    /// REGISTERs that are often refreshes, and otherwise nearly ones.
    fn steps() -> impl Strategy<Value = Step> {
        let contacts = select(
            &[
                "<sip:bob@192.0.2.1>",
                "<sip:bob@192.0.2.1>",
                "<sip:bob@192.0.2.1>;expires=90",
                "<sip:bob@192.0.2.1>;expires=0",
                "<sip:bob@192.0.2.1>;expires=x",
                "<sip:bob@192.0.2.1>;EXPIRES=90",
                "<sip:bob@192.0.2.1>;q=0.5",
                "<sip:bob@192.0.2.1>;+sip.instance=\"<urn:x>\";reg-id=1",
                "<sip:bob@192.0.2.1>, <sip:c@192.0.2.2>",
                "<sip:BOB@192.0.2.1>",
                "<sip:bob@192.0.2.1:5060>",
                "sip:bob@192.0.2.1",
                "\"Bob\" <sip:bob@192.0.2.1>",
                "*",
                "<sip:bob@192.0.2.1",
            ][..],
        );
        let numbers = (
            select(&[None, None, Some(0), Some(30), Some(100)][..]),
            0_u32..6,
            0_u16..20,
            0_u32..20,
            0_u32..120,
            0_u32..20,
        );
        let texts = (
            select(&["call-1", "call-1", "call-1", "call-2"][..]),
            select(&["phone", "phone", "phone", ""][..]),
            select(&["", "", "", "<sip:p@192.0.2.8;lr>"][..]),
            select(&["", "", "sip:192.0.2.1:5060", "sip:192.0.2.7:1024"][..]),
            select(&[None, None, None, None, Some(300)][..]),
        );
        (contacts, numbers, texts).prop_map(|(contact, numbers, texts)| {
            let (expires, cseq, listener, cflags, after, others) = numbers;
            let (call_id, user_agent, path, received, q) = texts;
            Step {
                contact,
                expires,
                call_id,
                cseq,
                user_agent,
                path,
                received,
                listener: u16::from(listener == 0),
                cflags: u32::from(cflags == 0),
                replaces_others: others == 0,
                q,
                after,
            }
        })
    }

    /// What a table holds, in words.
    fn show(table: &LocationTable) -> Option<Vec<String>> {
        let show = |binding: &Binding| format!("{:?} {:?}", binding.view(), binding.state());
        table.lookup(b"bob", |set| set.all().iter().map(show).collect())
    }

    /// Carries out a step in the long way, and before that in the short way in the first table;
    /// whether that was enough.
    fn take(step: Step, tables: [&LocationTable; 2], config: &RegistrarConfig, now: u32) -> bool {
        let registration = Registration {
            call_id: step.call_id.as_bytes(),
            cseq: step.cseq,
            path: step.path.as_bytes(),
            user_agent: step.user_agent.as_bytes(),
            listener: ListenerId(step.listener),
            cflags: step.cflags,
            received: step.received.as_bytes(),
            replaces_others: step.replaces_others,
            newest_first: config.newest_first,
            q: step.q,
        };
        let renewal = Renewal { contact: step.contact.as_bytes(), expires: step.expires };
        let request = crate::sip::Items::new(renewal.contact);
        let request = Request::parse(request, step.expires, config);
        let long = |table| {
            let request = request.as_ref().map_err(|rejection| *rejection)?;
            register(table, b"bob", (request, &registration), config, now)
        };
        let [short_table, long_table] = tables;
        let known = (renewal, &registration);
        let short = refresh(short_table, b"bob", known, (config, now), |set| set.all().len());
        match short {
            Some(count) => {
                assert_eq!((count, long(long_table)), (1, Ok(super::super::Outcome::Updated)));
            }
            None => assert_eq!(long(short_table), long(long_table)),
        }
        short.is_some()
    }

    proptest! {
        #[test]
        fn the_short_way_leads_where_the_long_one_does(
            steps in proptest::collection::vec(steps(), 1..12),
            default_q in select(&[None, Some(500)][..]),
            newest_first in any::<bool>(),
            refuses_brief in any::<bool>(),
            contact_bytes_max in select(&[18_usize, 19, 500][..]),
        ) {
            let config = RegistrarConfig {
                default_q,
                contact_bytes_max,
                newest_first,
                refuses_brief,
                ..RegistrarConfig::DEFAULT
            };
            let tables = [LocationTable::new(), LocationTable::new()];
            let mut now = 1_000;
            for step in steps {
                now += step.after;
                take(step, [&tables[0], &tables[1]], &config, now);
                prop_assert_eq!(show(&tables[0]), show(&tables[1]));
            }
        }
    }

    #[test]
    fn a_phone_that_registers_again_takes_the_short_way() {
        let tables = [LocationTable::new(), LocationTable::new()];
        let first = Step {
            contact: "<sip:bob@192.0.2.1>",
            expires: Some(100),
            call_id: "call-1",
            cseq: 1,
            user_agent: "phone",
            path: "",
            received: "sip:192.0.2.7:1024",
            listener: 0,
            cflags: 0,
            replaces_others: true,
            q: None,
            after: 0,
        };
        let again = Step { cseq: 2, contact: "<sip:bob@192.0.2.1>;expires=70", ..first };
        let config = RegistrarConfig::DEFAULT;
        let tables = [&tables[0], &tables[1]];
        assert!(!take(first, tables, &config, 1_000));
        assert!(take(again, tables, &config, 1_050));
        assert!(!take(again, tables, &config, 1_060), "a retransmission changes nothing");
        assert!(!take(Step { cseq: 3, ..again }, tables, &config, 1_200), "it has expired");
    }
}
