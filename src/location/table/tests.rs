//! The table against a model.

use hashbrown::HashMap;
use proptest::prelude::*;
use smallvec::SmallVec;

use super::*;
use crate::location::{Binding, BindingView, Instance};
use crate::mem::ListenerId;

/// A set with one binding whose parts all tell `number`.
fn set_of(number: u32, expires_at: u32) -> BindingSet {
    let (contact, call_id) = (format!("sip:{number}@h"), number.to_string());
    let view = BindingView {
        contact: contact.as_bytes(),
        received: b"",
        path: b"",
        call_id: call_id.as_bytes(),
        user_agent: b"",
        instance: Instance::default(),
        q: None,
        listener: ListenerId(0),
        cflags: number,
    };
    let mut bindings = SmallVec::new();
    bindings.push(Binding::new(&view, expires_at, number).unwrap());
    BindingSet::in_order(bindings)
}

/// Puts `set` in the place of what is there.
fn put(table: &LocationTable, aor: &[u8], set: BindingSet) {
    table.update::<(), TableFull>(aor, |_| Ok((Some(set), ()))).unwrap();
}

/// The number and the expiry of the live binding.
fn live(table: &LocationTable, aor: &[u8], now: u32) -> Option<(u32, u32)> {
    table.lookup(aor, |set| {
        set.live(now).next().map(|binding| (binding.cflags(), binding.expires_at()))
    })?
}

/// One step of the model test.
#[derive(Clone, Debug)]
enum Step {
    Put { aor: u8, number: u32, seconds: u32 },
    Refresh { aor: u8, seconds: u32 },
    Clear { aor: u8 },
    Sweep { budget: usize },
    Wait { seconds: u32 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0..12_u8, any::<u32>(), 0..20_u32).prop_map(|(aor, number, seconds)| Step::Put {
            aor,
            number,
            seconds
        }),
        (0..12_u8, 0..20_u32).prop_map(|(aor, seconds)| Step::Refresh { aor, seconds }),
        (0..12_u8).prop_map(|aor| Step::Clear { aor }),
        (0..600_usize).prop_map(|budget| Step::Sweep { budget }),
        (1..8_u32).prop_map(|seconds| Step::Wait { seconds }),
    ];
    prop::collection::vec(step, 1..80)
}

proptest! {
    // L01, L04, L05
    #[test]
    fn the_table_equals_a_map(steps in steps()) {
        let table = LocationTable::new();
        let mut model: HashMap<u8, (u32, u32)> = HashMap::new();
        let mut now = 100;
        for step in steps {
            match step {
                Step::Put { aor, number, seconds } => {
                    put(&table, &[aor], set_of(number, now + seconds));
                    model.insert(aor, (number, now + seconds));
                }
                Step::Refresh { aor, seconds } => {
                    table.update::<(), TableFull>(&[aor], |set| {
                        set.all().iter().for_each(|binding| binding.refresh(now + seconds, 7));
                        Ok((None, ()))
                    }).unwrap();
                    // What has expired may have been swept, so that there is nothing to refresh.
                    let is_there = table.lookup(&[aor], |set| !set.all().is_empty());
                    match model.get_mut(&aor) {
                        Some(binding) if is_there == Some(true) => binding.1 = now + seconds,
                        Some(binding) => prop_assert!(binding.1 <= now, "a live one was swept"),
                        None => {}
                    }
                }
                Step::Clear { aor } => {
                    put(&table, &[aor], BindingSet::default());
                    model.remove(&aor);
                }
                Step::Sweep { budget } => {
                    let removed = table.sweep(now, budget);
                    let expired = model.values().filter(|binding| binding.1 <= now).count();
                    prop_assert!(removed <= expired.min(budget));
                }
                Step::Wait { seconds } => now += seconds,
            }
            for aor in 0..12_u8 {
                let expected = model.get(&aor).copied().filter(|binding| binding.1 > now);
                prop_assert_eq!(live(&table, &[aor], now), expected);
            }
        }
        // A sweep goes around once at most; the second one ends where the first one began.
        table.sweep(now, 1_000);
        table.sweep(now, 1_000);
        let alive = model.values().filter(|binding| binding.1 > now).count();
        prop_assert_eq!(table.aor_count(), alive);
    }
}

#[test]
fn a_sweep_goes_on_where_it_stopped() {
    let table = LocationTable::new();
    for number in 0..1_000_u32 {
        put(&table, &number.to_be_bytes(), set_of(number, 10 + number % 2));
    }
    let (mut removed, mut calls) = (0, 0);
    while removed < 500 {
        let now = table.sweep(10, 50);
        assert!(now <= 50, "a call is bounded");
        removed += now;
        calls += 1;
        // A call also counts the shard that it goes on with.
        assert!(calls <= (1_000 + SHARD_COUNT) / 49 + 1, "one round finds them all");
    }
    assert_eq!(table.aor_count(), 500);
    assert_eq!(table.sweep(10, 10_000), 0);
}

#[test]
fn coming_and_going_does_not_grow_the_list_of_a_shard() {
    let table = LocationTable::new();
    for number in 0..1_000 {
        put(&table, b"bob", set_of(number, 10));
        put(&table, b"bob", BindingSet::default());
    }
    let listed: usize = (0..SHARD_COUNT).map(|shard| table.lock(shard).aors.len()).sum();
    assert_eq!(listed, 1);
    table.sweep(0, 1_000);
    assert_eq!(table.aor_count(), 0);
}

#[test]
fn an_empty_set_for_a_new_name_leaves_no_trace() {
    let table = LocationTable::new();
    put(&table, b"bob", BindingSet::default());
    assert_eq!(table.aor_count(), 0);
}

#[test]
fn every_shard_is_swept_whatever_the_budget() {
    for budget in [2, 3, 16, 64, 256] {
        let table = LocationTable::new();
        for number in 0..1_000_u32 {
            put(&table, &number.to_be_bytes(), set_of(number, 10));
        }
        for _ in 0..3 * (1_000 + SHARD_COUNT) / budget {
            table.sweep(10, budget);
        }
        assert_eq!(table.aor_count(), 0, "with a budget of {budget}");
    }
}

#[test]
fn one_user_alone_is_swept() {
    for number in 0..300_u32 {
        let table = LocationTable::new();
        put(&table, &number.to_be_bytes(), set_of(number, 10));
        (0..5).for_each(|_| {
            table.sweep(10, 64);
        });
        assert_eq!(table.aor_count(), 0, "user {number}");
    }
}

#[test]
fn a_writer_that_panicked_leaves_nothing_unswept() {
    let table = LocationTable::new();
    put(&table, b"bob", set_of(1, 10));
    let failing = || table.update::<(), TableFull>(b"bob", |_| panic!("as asked"));
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(failing)).is_err());
    (0..5).for_each(|_| {
        table.sweep(10, 64);
    });
    assert_eq!(table.aor_count(), 0);
    put(&table, b"bob", set_of(2, 20));
    assert_eq!(live(&table, b"bob", 10), Some((2, 20)));
}

#[test]
fn a_shard_has_room_for_so_many_bytes_and_gets_it_back() {
    let table = LocationTable::new();
    let large = || {
        let text = vec![b'x'; 4_000];
        let view = BindingView {
            contact: b"sip:a@b",
            received: b"",
            path: b"",
            call_id: &text,
            user_agent: b"",
            instance: Instance::default(),
            q: None,
            listener: ListenerId(0),
            cflags: 0,
        };
        let binding = Binding::new(&view, 10, 1).unwrap();
        BindingSet::in_order(std::iter::repeat_n(binding, 1_000).collect())
    };
    let aors: Vec<[u8; 4]> = (0..u32::MAX)
        .map(u32::to_be_bytes)
        .filter(|aor| shard_of(table.hashes.seek(aor)) == 7)
        .take(SHARD_BYTES_MAX / (1_000 * 4_000) + 1)
        .collect();
    let insert = |aor: &[u8]| table.update::<(), TableFull>(aor, |_| Ok((Some(large()), ())));
    let (last, others) = aors.split_last().unwrap();
    others.iter().for_each(|aor| assert_eq!(insert(aor), Ok(())));
    assert_eq!(insert(last), Err(TableFull));
    assert_eq!(insert(&others[0]), Ok(()), "no larger than before");
    put(&table, &others[0], BindingSet::default());
    assert_eq!(insert(last), Ok(()));
    (0..20).for_each(|_| {
        table.sweep(10, 64);
    });
    assert_eq!(table.lock(7).bytes, 0);
}
