//! The location table with readers and writers at once.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::sync::atomic::{AtomicBool, Ordering};

use viaduct::location::registrar::{Registration, Request, register, unregister};
use viaduct::location::{Binding, LocationTable, RegistrarConfig};
use viaduct::mem::ListenerId;

/// Users that all threads are about.
const USERS: u32 = 16;
/// Changes that each writer makes.
const ROUNDS: u32 = 20_000;
/// Rounds after which a user has another Contact and Call-ID.
const ROUNDS_OF_CONTACT: u32 = 64;
/// Seconds that a binding has more than its CSeq.
const SECONDS: u32 = 7_200;

/// Writers refresh, replace, remove and sweep; every set that a reader sees meanwhile is whole,
/// and expiry and CSeq of each binding are of one and the same REGISTER.
#[test]
fn readers_never_see_a_torn_or_freed_set() {
    let table = LocationTable::new();
    let done = AtomicBool::new(false);
    let writer = |seed: u32| (0..ROUNDS).for_each(|round| change(&table, seed, round));
    let writer = &writer;
    let seen = std::thread::scope(|scope| {
        let reader = || {
            let mut seen = 0_u64;
            while !done.load(Ordering::Relaxed) {
                for user in 0..USERS {
                    table.lookup(&user.to_be_bytes(), |set| {
                        set.all().iter().for_each(check);
                        seen += set.all().len() as u64;
                    });
                }
            }
            seen
        };
        let readers = [scope.spawn(reader), scope.spawn(reader)];
        let writers = [scope.spawn(move || writer(0)), scope.spawn(move || writer(7))];
        let are_well = writers.map(|writer| writer.join().is_ok());
        done.store(true, Ordering::Relaxed);
        assert_eq!(are_well, [true, true], "no writer panicked");
        readers.map(|reader| reader.join().unwrap())
    });
    assert!(seen.iter().sum::<u64>() > 0, "readers saw something");
}

/// Checks that all parts of a binding tell the same number.
fn check(binding: &Binding) {
    let view = binding.view();
    let number = std::str::from_utf8(view.call_id).unwrap();
    assert_eq!(view.contact, format!("sip:{number}@h").as_bytes());
    assert_eq!(view.path, format!("<sip:{number}@p;lr>").as_bytes());
    let (expires_at, cseq) = binding.state();
    assert_eq!(expires_at, cseq + SECONDS, "both are of one REGISTER");
}

/// One change: mostly a refresh.
fn change(table: &LocationTable, seed: u32, round: u32) {
    let user = ((round + seed) % USERS).to_be_bytes();
    match (round + seed) % 97 {
        0 => drop(unregister(table, &user, 0)),
        1 => drop(table.sweep(round, 40)),
        _ => {
            let number = (round / ROUNDS_OF_CONTACT).to_string();
            let contact = format!("<sip:{number}@h>");
            let path = format!("<sip:{number}@p;lr>");
            let config = RegistrarConfig::DEFAULT;
            let contacts = std::iter::once(contact.as_bytes());
            let request = Request::parse(contacts, Some(round + SECONDS), &config).unwrap();
            let registration = Registration {
                call_id: number.as_bytes(),
                cseq: round,
                path: path.as_bytes(),
                user_agent: b"",
                listener: ListenerId(0),
                cflags: 0,
                received: b"",
                replaces_others: true,
                newest_first: false,
                q: None,
            };
            // The other writer may be ahead: then this CSeq comes too late.
            let _ = register(table, &user, (&request, &registration), &config, 0);
        }
    }
}
