//! The rules of RFC 3261 §10.3, each with a REGISTER that meets it.

use super::*;
use crate::location::RegistrarConfig;
use Outcome::{Deleted, Inserted, Queried, Updated};

/// A registrar with one table and one user.
struct Desk {
    table: LocationTable,
    config: RegistrarConfig,
    now: u32,
}

/// One REGISTER.
#[derive(Clone, Copy)]
struct Register<'a> {
    contacts: &'a [&'a str],
    expires: Option<u32>,
    call_id: &'a str,
    cseq: u32,
    path: &'a str,
    replaces_others: bool,
    received: &'a str,
}

/// A REGISTER of `contacts` with the usual Call-ID.
const fn of<'a>(contacts: &'a [&'a str], cseq: u32) -> Register<'a> {
    Register {
        contacts,
        expires: None,
        call_id: "call-1",
        cseq,
        path: "",
        replaces_others: false,
        received: "",
    }
}

impl Desk {
    fn new() -> Self {
        Self { table: LocationTable::new(), config: RegistrarConfig::DEFAULT, now: 1_000 }
    }

    fn register(&self, register: Register<'_>) -> Result<Outcome, Rejection> {
        let contacts = register.contacts.iter().map(|contact| contact.as_bytes());
        let request = Request::parse(contacts, register.expires, &self.config)?;
        let registration = Registration {
            call_id: register.call_id.as_bytes(),
            cseq: register.cseq,
            path: register.path.as_bytes(),
            user_agent: b"phone",
            listener: ListenerId(0),
            cflags: 0,
            received: register.received.as_bytes(),
            replaces_others: register.replaces_others,
            newest_first: self.config.newest_first,
            q: None,
        };
        super::register(&self.table, b"bob", (&request, &registration), &self.config, self.now)
    }

    /// The bindings as the answer shows them, with `>` and `, ` between them.
    fn bindings(&self) -> String {
        let show = |set: &BindingSet| {
            let mut out = vec![0; contacts_room(set, b"received")];
            let mut pen = Pen::new(&mut out);
            compose_contacts(set, self.now, b"received", &mut pen);
            let length = pen.written().unwrap();
            String::from_utf8(out[..length].to_vec()).unwrap()
        };
        self.table.lookup(b"bob", show).unwrap_or_default()
    }

    #[track_caller]
    fn expect(&self, register: Register<'_>, outcome: Result<Outcome, Rejection>, bindings: &str) {
        assert_eq!(self.register(register), outcome);
        assert_eq!(self.bindings(), bindings);
    }
}

const A: &str = "<sip:bob@192.0.2.1>";
const B: &str = "<sip:bob@192.0.2.2:5070>";

// L01, M16
#[test]
fn contacts_are_added_beside_each_other_the_oldest_first() {
    let mut desk = Desk::new();
    desk.expect(of(&[A], 1), Ok(Inserted), "<sip:bob@192.0.2.1>;expires=3600");
    let other = Register { call_id: "call-2", ..of(&[B], 1) };
    let both = "<sip:bob@192.0.2.1>;expires=3600, <sip:bob@192.0.2.2:5070>;expires=3600";
    desk.expect(other, Ok(Inserted), both);
    desk.expect(of(&[A], 2), Ok(Updated), both);
    // Also where more changes than the time.
    let moved = Register { path: "<sip:edge.example;lr>", ..of(&[A], 3) };
    desk.expect(moved, Ok(Updated), both);
    // What has expired is as if it had never been there.
    desk.register(Register { call_id: "call-2", expires: Some(7_200), ..of(&[B], 2) }).unwrap();
    desk.now += 3_600;
    let late = "<sip:bob@192.0.2.2:5070>;expires=3600, <sip:bob@192.0.2.1>;expires=3600";
    desk.expect(of(&[A], 4), Ok(Inserted), late);
}

#[test]
fn the_newest_contact_is_first_if_that_is_wanted() {
    let mut desk = Desk::new();
    desk.config.newest_first = true;
    let other = |cseq| Register { call_id: "call-2", ..of(&[B], cseq) };
    let a_first = "<sip:bob@192.0.2.1>;expires=3600, <sip:bob@192.0.2.2:5070>;expires=3600";
    let b_first = "<sip:bob@192.0.2.2:5070>;expires=3600, <sip:bob@192.0.2.1>;expires=3600";
    desk.register(of(&[A], 1)).unwrap();
    desk.expect(other(1), Ok(Inserted), b_first);
    desk.expect(of(&[A], 2), Ok(Updated), a_first);
    desk.expect(other(2), Ok(Updated), b_first);
    // Whatever its q.
    let low = Register { call_id: "call-3", ..of(&["<sip:c@h>;q=0.1", "<sip:d@h>;q=0.9"], 1) };
    let all = format!("<sip:d@h>;q=0.9;expires=3600, <sip:c@h>;q=0.1;expires=3600, {b_first}");
    desk.expect(low, Ok(Inserted), &all);
    assert!(unregister_where(&desk.table, b"bob", desk.now, |it| it.contact() == b"sip:d@h"));
    desk.expect(of(&[], 1), Ok(Queried), &all["<sip:d@h>;q=0.9;expires=3600, ".len()..]);
}

// The seconds that are granted, and what a registrar that refuses says.
#[test]
fn an_interval_that_is_too_brief_is_raised_or_refused() {
    let mut desk = Desk::new();
    let brief = Register { expires: Some(10), ..of(&[A], 1) };
    desk.expect(brief, Ok(Inserted), "<sip:bob@192.0.2.1>;expires=60");
    let again = Register { expires: Some(59), ..of(&[A], 2) };
    desk.expect(again, Ok(Updated), "<sip:bob@192.0.2.1>;expires=60");
    desk.config.refuses_brief = true;
    let refused = Err(Rejection::TooBrief { min_expires: 60 });
    desk.expect(Register { expires: Some(1), ..of(&[A], 3) }, refused, &desk.bindings());
    desk.config.refuses_brief = false;
    desk.config.max_expires = 30;
    desk.expect(Register { expires: Some(1), ..of(&[A], 4) }, Ok(Updated), {
        "<sip:bob@192.0.2.1>;expires=30"
    });
}

// M16: S4 has one device for each user.
#[test]
fn a_user_has_no_more_contacts_than_allowed() {
    let mut desk = Desk::new();
    desk.config.contact_count_max = 1;
    desk.register(of(&[A], 1)).unwrap();
    let kept = "<sip:bob@192.0.2.1>;expires=3600";
    let other = Register { call_id: "call-2", ..of(&[B], 1) };
    desk.expect(other, Err(Rejection::TooManyContacts), kept);
    desk.expect(of(&[A, B], 2), Err(Rejection::TooManyContacts), kept);
    let moved = ["<sip:bob@192.0.2.1>;expires=0", B];
    desk.expect(of(&moved, 2), Ok(Inserted), "<sip:bob@192.0.2.2:5070>;expires=3600");
}

#[test]
fn the_highest_q_comes_first_and_none_last() {
    let desk = Desk::new();
    let contacts = ["<sip:a@h>", "<sip:b@h>;q=0.5", "<sip:c@h>;q=1", "<sip:d@h>;q=0.505"];
    let expected = "<sip:c@h>;q=1.0;expires=3600, <sip:d@h>;q=0.505;expires=3600, \
                    <sip:b@h>;q=0.5;expires=3600, <sip:a@h>;expires=3600";
    desk.expect(of(&contacts, 1), Ok(Inserted), expected);
}

#[test]
fn a_contact_without_q_gets_the_default_if_there_is_one() {
    let mut desk = Desk::new();
    desk.config.default_q = Some(250);
    desk.expect(of(&["<sip:a@h>"], 1), Ok(Inserted), "<sip:a@h>;q=0.25;expires=3600");
}

// L04, step 7: the parameter, else the header field, else the default.
#[test]
fn expiry_is_what_the_contact_says_or_the_header_or_the_default() {
    for (contact, header, expected) in [
        ("<sip:a@h>;expires=120", Some(600), 120),
        ("<sip:a@h>", Some(600), 600),
        ("<sip:a@h>", None, 3_600),
        ("<sip:a@h>;expires=soon", None, 3_600),
        ("<sip:a@h>;expires=7200", None, 7_200),
    ] {
        let desk = Desk::new();
        let contacts = [contact];
        let register = Register { expires: header, ..of(&contacts, 1) };
        desk.expect(register, Ok(Inserted), &format!("<sip:a@h>;expires={expected}"));
    }
}

// Step 7: 423, but never for an hour or more.
#[test]
fn an_interval_that_is_too_brief_is_refused() {
    let mut desk = Desk::new();
    desk.config.refuses_brief = true;
    let brief = |seconds| Register { expires: Some(seconds), ..of(&["<sip:a@h>"], 1) };
    desk.expect(brief(59), Err(Rejection::TooBrief { min_expires: 60 }), "");
    desk.expect(brief(60), Ok(Inserted), "<sip:a@h>;expires=60");
    desk.config.min_expires = 7_200;
    desk.expect(
        brief(3_599),
        Err(Rejection::TooBrief { min_expires: 7_200 }),
        "<sip:a@h>;expires=60",
    );
    let hour = Register { cseq: 2, ..brief(3_600) };
    desk.expect(hour, Ok(Updated), "<sip:a@h>;expires=3600");
}

#[test]
fn a_long_interval_is_shortened_if_there_is_a_maximum() {
    let mut desk = Desk::new();
    desk.config.max_expires = 900;
    desk.expect(of(&["<sip:a@h>;expires=86400"], 1), Ok(Inserted), "<sip:a@h>;expires=900");
    desk.expect(of(&["<sip:b@h>"], 1), Ok(Inserted), {
        "<sip:a@h>;expires=900, <sip:b@h>;expires=900"
    });
}

#[test]
fn the_longest_interval_does_not_overflow() {
    let desk = Desk::new();
    desk.register(of(&["<sip:a@h>;expires=4294967295"], 1)).unwrap();
    assert_eq!(desk.bindings(), format!("<sip:a@h>;expires={}", u32::MAX - desk.now));
}

// L04: soft state.
#[test]
fn a_binding_ends_when_its_time_is_up() {
    let mut desk = Desk::new();
    desk.register(of(&["<sip:a@h>;expires=60", "<sip:b@h>;expires=61"], 1)).unwrap();
    desk.now += 60;
    assert_eq!(desk.bindings(), "<sip:b@h>;expires=1");
    desk.now += 1;
    assert_eq!(desk.bindings(), "");
}

// L05
#[test]
fn a_query_changes_nothing() {
    let mut desk = Desk::new();
    desk.expect(of(&[], 1), Ok(Queried), "");
    desk.register(of(&[A], 5)).unwrap();
    desk.now += 10;
    desk.expect(of(&[], 1), Ok(Queried), "<sip:bob@192.0.2.1>;expires=3590");
    assert_eq!(desk.table.aor_count(), 1);
}

// L05
#[test]
fn expires_0_removes_the_contact_and_no_other() {
    let desk = Desk::new();
    desk.register(of(&[A, B], 1)).unwrap();
    let left = "<sip:bob@192.0.2.2:5070>;expires=3600";
    desk.expect(of(&["<sip:bob@192.0.2.1>;expires=0"], 2), Ok(Deleted), left);
    let other = Register { expires: Some(0), ..of(&["<sip:nobody@192.0.2.9>"], 3) };
    desk.expect(other, Ok(Updated), left);
    desk.expect(Register { expires: Some(0), ..of(&[B], 4) }, Ok(Deleted), "");
}

#[test]
fn a_removal_that_comes_twice_is_answered_the_same() {
    let desk = Desk::new();
    desk.register(of(&[A, B], 1)).unwrap();
    let removal = Register { expires: Some(0), ..of(&[A], 2) };
    for _ in 0..2 {
        assert!(desk.register(removal).is_ok());
        assert_eq!(desk.bindings(), "<sip:bob@192.0.2.2:5070>;expires=3600");
    }
}

// Step 6
#[test]
fn a_star_removes_all_bindings() {
    let desk = Desk::new();
    desk.register(of(&[A, B], 1)).unwrap();
    let star = Register { expires: Some(0), ..of(&["*"], 2) };
    desk.expect(star, Ok(Deleted), "");
    desk.expect(star, Ok(Deleted), "");
}

// Step 6
#[test]
fn a_star_must_be_alone_and_expire_at_once() {
    let desk = Desk::new();
    desk.register(of(&[A], 1)).unwrap();
    let kept = "<sip:bob@192.0.2.1>;expires=3600";
    for (contacts, expires) in [
        (&["*"][..], None),
        (&["*"], Some(60)),
        (&["*", A], Some(0)),
        (&[A, "*"], Some(0)),
        (&["*", "*"], Some(0)),
    ] {
        let register = Register { expires, ..of(contacts, 2) };
        desk.expect(register, Err(Rejection::StarMisused), kept);
    }
}

// Step 6: of the same Call-ID only with a higher CSeq.
#[test]
fn a_star_that_came_late_removes_nothing() {
    let desk = Desk::new();
    desk.register(of(&[A], 5)).unwrap();
    let other = Register { call_id: "call-2", ..of(&[B], 9) };
    desk.register(other).unwrap();
    let kept = desk.bindings();
    for cseq in [4, 5] {
        let star = Register { expires: Some(0), ..of(&["*"], cseq) };
        desk.expect(star, Err(Rejection::OutOfOrder), &kept);
    }
    desk.expect(Register { expires: Some(0), ..of(&["*"], 6) }, Ok(Deleted), "");
}

// Step 7
#[test]
fn a_refresh_with_a_higher_cseq_extends_the_binding_in_place() {
    let mut desk = Desk::new();
    desk.register(of(&[A], 1)).unwrap();
    let address = |set: &BindingSet| set.all()[0].contact().as_ptr().addr();
    let before = desk.table.lookup(b"bob", address);
    desk.now += 1_000;
    desk.expect(of(&[A], 2), Ok(Updated), "<sip:bob@192.0.2.1>;expires=3600");
    assert_eq!(desk.table.lookup(b"bob", address), before, "the set was not replaced");
}

// Step 7: a lower CSeq of the same Call-ID came late.
#[test]
fn a_late_request_is_refused_and_changes_nothing() {
    let desk = Desk::new();
    desk.register(of(&[A], 5)).unwrap();
    let late = Register { expires: Some(120), ..of(&[A], 4) };
    desk.expect(late, Err(Rejection::OutOfOrder), "<sip:bob@192.0.2.1>;expires=3600");
}

// Step 7: all or nothing.
#[test]
fn one_contact_that_is_out_of_order_spoils_the_whole_request() {
    let desk = Desk::new();
    desk.register(of(&[A], 5)).unwrap();
    let late = of(&["<sip:new@192.0.2.9>", A], 4);
    desk.expect(late, Err(Rejection::OutOfOrder), "<sip:bob@192.0.2.1>;expires=3600");
}

#[test]
fn a_retransmission_is_answered_alike_and_changes_nothing() {
    let mut desk = Desk::new();
    let register = of(&[A, "<sip:bob@192.0.2.3>;q=0.3"], 5);
    desk.register(register).unwrap();
    desk.now += 2;
    let expected = "<sip:bob@192.0.2.3>;q=0.3;expires=3598, <sip:bob@192.0.2.1>;expires=3598";
    desk.expect(register, Ok(Updated), expected);
}

// Step 7
#[test]
fn another_call_id_replaces_the_binding_whatever_its_cseq() {
    let desk = Desk::new();
    desk.register(of(&[A], 5)).unwrap();
    let rebooted = Register { call_id: "call-2", expires: Some(120), ..of(&[A], 1) };
    desk.expect(rebooted, Ok(Updated), "<sip:bob@192.0.2.1>;expires=120");
    let late = of(&[A], 6);
    desk.expect(late, Ok(Updated), "<sip:bob@192.0.2.1>;expires=3600");
}

#[test]
fn an_expired_binding_does_not_count_any_more() {
    let mut desk = Desk::new();
    desk.config.contact_count_max = 1;
    desk.register(of(&[A], 5)).unwrap();
    desk.now += 3_600;
    desk.expect(of(&[A], 1), Ok(Updated), "<sip:bob@192.0.2.1>;expires=3600");
    desk.now += 3_600;
    let other = Register { call_id: "call-2", ..of(&[B], 1) };
    desk.expect(other, Ok(Inserted), "<sip:bob@192.0.2.2:5070>;expires=3600");
}

// Step 7, §19.1.4
#[test]
fn contacts_are_compared_as_uris() {
    let desk = Desk::new();
    desk.register(of(&["<sip:%62ob@Phone.Example;x=1>"], 1)).unwrap();
    desk.expect(of(&["<sip:bob@phone.example>"], 2), Ok(Updated), {
        "<sip:bob@phone.example>;expires=3600"
    });
    desk.expect(of(&["<sip:Bob@phone.example>"], 3), Ok(Inserted), {
        "<sip:bob@phone.example>;expires=3600, <sip:Bob@phone.example>;expires=3600"
    });
    desk.expect(
        of(&["<sip:Bob@phone.example:5060>;expires=0", "<sip:bob@phone.example>;expires=0"], 4),
        Ok(Deleted),
        "<sip:Bob@phone.example>;expires=3600",
    );
}

#[test]
fn of_two_equal_contacts_the_later_one_counts() {
    let desk = Desk::new();
    let contacts = ["<sip:a@h>;expires=100", "<sip:a@H>;expires=200"];
    desk.expect(of(&contacts, 1), Ok(Inserted), "<sip:a@H>;expires=200");
}

#[test]
fn a_changed_q_or_path_replaces_the_binding() {
    let desk = Desk::new();
    desk.register(of(&[A], 1)).unwrap();
    desk.expect(of(&["<sip:bob@192.0.2.1>;q=0.7"], 2), Ok(Updated), {
        "<sip:bob@192.0.2.1>;q=0.7;expires=3600"
    });
    let path = Register { path: "<sip:edge.example;lr>", ..of(&[A], 3) };
    desk.register(path).unwrap();
    let stored = desk.table.lookup(b"bob", |set| set.all()[0].path().to_vec());
    assert_eq!(stored.as_deref(), Some(&b"<sip:edge.example;lr>"[..]));
}

// RFC 5626 §6
#[test]
fn the_instance_is_told_as_it_came() {
    let desk = Desk::new();
    let phone = "<sip:bob@h>;reg-id=1;x=y;+sip.instance=\"<urn:uuid:00\\\"-1>\"";
    let told = "<sip:bob@h>;expires=3600;+sip.instance=\"<urn:uuid:00\\\"-1>\";reg-id=1";
    desk.expect(of(&[phone], 1), Ok(Inserted), told);
    desk.expect(of(&[phone], 2), Ok(Updated), told);
    desk.expect(of(&["<sip:bob@h>"], 3), Ok(Updated), "<sip:bob@h>;expires=3600");
    for (params, told) in [
        (";+sip.instance=\"<a>\"", ";+sip.instance=\"<a>\""),
        (";+sip.instance=\"<a>\";reg-id=x", ";+sip.instance=\"<a>\""),
        (";+sip.instance=\"<a>\";reg-id=12345678901", ";+sip.instance=\"<a>\""),
        (";+sip.instance=a;reg-id=1", ""),
        (";+sip.instance;reg-id=1", ""),
        (";reg-id=1", ""),
    ] {
        let desk = Desk::new();
        let told = format!("<sip:bob@h>;expires=3600{told}");
        desk.expect(of(&[&format!("<sip:bob@h>{params}")], 1), Ok(Inserted), &told);
    }
    let long = format!("<sip:a@h>;+sip.instance=\"{}\"", "u".repeat(5_000));
    assert_eq!(desk.register(of(&[&long], 4)), Err(Rejection::TooLong));
}

#[test]
fn others_are_removed_if_only_the_named_contacts_are_to_stay() {
    let desk = Desk::new();
    desk.register(of(&[A], 1)).unwrap();
    let only = Register { call_id: "call-2", replaces_others: true, ..of(&[B], 1) };
    desk.expect(only, Ok(Inserted), "<sip:bob@192.0.2.2:5070>;expires=3600");
}

#[test]
fn where_contacts_are_reached_instead_is_stored() {
    let desk = Desk::new();
    let contacts = ["<sip:bob@10.0.0.1>", "<sip:bob@phone.example>"];
    let register = Register { received: "sip:192.0.2.7:1024", ..of(&contacts, 1) };
    let expected = "<sip:bob@10.0.0.1>;expires=3600;received=\"sip:192.0.2.7:1024\", \
                    <sip:bob@phone.example>;expires=3600;received=\"sip:192.0.2.7:1024\"";
    desk.expect(register, Ok(Inserted), expected);
}

#[test]
fn what_is_stored_and_answered_is_bounded() {
    let desk = Desk::new();
    let long = format!("<sip:{}@h>", "u".repeat(5_000));
    assert_eq!(desk.register(of(&[&long], 1)), Err(Rejection::TooLong));
    let many: Vec<String> = (0..101).map(|n| format!("<sip:{n}@h>")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(desk.register(of(&many, 1)), Err(Rejection::TooManyContacts));
    assert_eq!(desk.register(of(&many[..100], 1)), Ok(Inserted));
    let wide: Vec<String> = (0..40).map(|n| format!("<sip:{n}{}@h>", "u".repeat(2_000))).collect();
    let wide: Vec<&str> = wide.iter().map(String::as_str).collect();
    assert_eq!(desk.register(of(&wide, 2)), Err(Rejection::TooManyContacts));
}

#[test]
fn a_malformed_contact_is_refused() {
    let desk = Desk::new();
    for contact in ["<sip:a@h", "\"", "<>", "<sip:>", "<sip:a@h>;q=1.5", "<sip:a@h>;q=x"] {
        let answer = desk.register(of(&[A, contact], 1));
        assert!(matches!(answer, Err(Rejection::Malformed(_))), "{contact}: {answer:?}");
    }
    assert_eq!(desk.bindings(), "");
}

#[test]
fn unregister_removes_all_and_says_whether_there_were_any() {
    let desk = Desk::new();
    desk.register(of(&[A, B], 1)).unwrap();
    assert!(unregister(&desk.table, b"bob", desk.now));
    assert_eq!(desk.bindings(), "");
    assert!(!unregister(&desk.table, b"bob", desk.now));
    assert!(!unregister(&desk.table, b"alice", desk.now));
}

#[test]
fn contacts_with_many_parts_are_refused() {
    let desk = Desk::new();
    let params: String = (0..30).map(|number| format!(";p{number}=x")).collect();
    let contacts: Vec<String> = (0..11).map(|number| format!("<sip:{number}@h{params}>")).collect();
    let contacts: Vec<&str> = contacts.iter().map(String::as_str).collect();
    assert_eq!(desk.register(of(&contacts, 1)), Err(Rejection::TooManyContacts));
    assert_eq!(desk.register(of(&contacts[..10], 2)), Ok(Inserted));
    // What is there counts, too.
    assert_eq!(desk.register(of(&contacts[10..], 3)), Err(Rejection::TooManyContacts));
    assert_eq!(desk.register(of(&contacts[..1], 4)), Ok(Updated));
}

#[test]
fn many_bindings_are_not_many_times_as_large_as_their_register() {
    let desk = Desk::new();
    let call_id = "c".repeat(2_000);
    let contacts: Vec<String> = (0..100).map(|number| format!("<sip:{number}@h>")).collect();
    let contacts: Vec<&str> = contacts.iter().map(String::as_str).collect();
    let register = |contacts, cseq| Register { call_id: &call_id, ..of(contacts, cseq) };
    assert_eq!(desk.register(register(&contacts, 1)), Err(Rejection::TooManyContacts));
    assert_eq!(desk.register(register(&contacts[..20], 2)), Ok(Inserted));
    assert_eq!(desk.register(register(&contacts[20..40], 3)), Err(Rejection::TooManyContacts));
}
