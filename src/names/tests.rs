use super::*;

/// How long the answers in these tests hold.
const TTL_MS: u64 = 60_000;

/// Who sends over IPv4.
const V4: Choice = Choice { transport: Transport::Udp, v4: true, v6: false, lot: 0 };

/// A host at 192.0.2.n.
fn host(n: u8) -> Answer {
    Answer::host([[192, 0, 2, n].into()], 5_060, TTL_MS)
}

/// The lookup that finds [`host`].
fn at(n: u8) -> Lookup {
    Lookup::Known(([192, 0, 2, n], 5_060).into())
}

/// What a table knows of a name without port.
fn look(table: &NameTable, name: &str, now_ms: u64) -> Lookup {
    table.lookup(name.as_bytes(), None, V4, now_ms)
}

#[test]
fn a_name_is_asked_for_once_and_then_known() {
    let (table, questions) = NameTable::new();
    assert_eq!(look(&table, "Gw.Example", 0), Lookup::Waiting);
    assert_eq!(look(&table, "gw.example.", 1), Lookup::Waiting);
    let question = questions.try_recv().unwrap();
    assert_eq!((&question.name[..], questions.len()), (&b"gw.example"[..], 0));
    table.settle(&question, host(1), 2);
    assert_eq!(look(&table, "GW.example", 3), at(1));
    assert_eq!(questions.len(), 0);
}

#[test]
fn a_host_with_a_port_is_another_question_than_a_domain() {
    let (table, questions) = NameTable::new();
    assert_eq!(look(&table, "a", 0), Lookup::Waiting);
    assert_eq!(table.lookup(b"a", Some(5_070), V4, 0), Lookup::Waiting);
    let asked: Vec<_> = questions.try_iter().collect();
    assert_eq!(
        (asked[0].wanted, asked[1].wanted),
        (Wanted::Servers(Transport::Udp), Wanted::Addresses)
    );
    table.settle(&asked[1], host(1), 0);
    assert_eq!(look(&table, "a", 0), Lookup::Waiting);
    let expected = Lookup::Known(([192, 0, 2, 1], 5_070).into());
    assert_eq!(table.lookup(b"a", Some(5_070), V4, 0), expected);
    assert_eq!(
        table.lookup(b"a", Some(5_071), V4, 0),
        Lookup::Known(([192, 0, 2, 1], 5_071).into())
    );
}

#[test]
fn an_answer_is_used_for_its_time_and_no_longer() {
    let (table, questions) = NameTable::new();
    assert_eq!(look(&table, "a", 0), Lookup::Waiting);
    table.settle(&questions.try_recv().unwrap(), host(1), 0);
    assert_eq!((look(&table, "a", TTL_MS * 3 / 4), questions.len()), (at(1), 0));
    assert_eq!(look(&table, "a", TTL_MS), Lookup::Waiting);
    table.settle(&questions.try_recv().unwrap(), host(2), TTL_MS);
    assert_eq!(look(&table, "a", TTL_MS), at(2));
}

#[test]
fn a_name_in_use_is_asked_for_again_before_its_time_is_over() {
    let (table, questions) = NameTable::new();
    assert_eq!(look(&table, "a", 0), Lookup::Waiting);
    table.settle(&questions.try_recv().unwrap(), host(1), 0);
    assert_eq!(look(&table, "a", TTL_MS - 2), at(1));
    assert_eq!(look(&table, "a", TTL_MS - 1), at(1));
    assert_eq!(questions.len(), 1, "asked again, once");
    table.settle(&questions.try_recv().unwrap(), host(2), TTL_MS - 1);
    assert_eq!(look(&table, "a", TTL_MS), at(2));
}

#[test]
fn old_answers_serve_while_nobody_answers_but_not_for_ever() {
    let (table, questions) = NameTable::new();
    assert_eq!(look(&table, "a", 0), Lookup::Waiting);
    let question = questions.try_recv().unwrap();
    table.settle(&question, host(1), 0);
    assert_eq!(look(&table, "a", TTL_MS), Lookup::Waiting);
    table.settle(&question, Answer::Failed, TTL_MS + 1);
    questions.try_recv().unwrap();
    assert_eq!((look(&table, "a", TTL_MS + 2), questions.len()), (at(1), 0));
    assert_eq!(look(&table, "a", TTL_MS + 1 + FAILED_MS), at(1), "nobody waits again");
    assert_eq!(questions.len(), 1, "but it is asked for");
    assert_eq!(look(&table, "a", TTL_MS + NAME_STALE_MS_MAX), Lookup::Waiting);
    table.settle(&question, Answer::Failed, TTL_MS + NAME_STALE_MS_MAX);
    assert_eq!(look(&table, "a", TTL_MS + NAME_STALE_MS_MAX), Lookup::Unknown);
}

#[test]
fn what_is_known_to_be_nothing_any_more_does_not_serve() {
    let (table, questions) = NameTable::new();
    assert_eq!(look(&table, "a", 0), Lookup::Waiting);
    let question = questions.try_recv().unwrap();
    table.settle(&question, host(1), 0);
    table.settle(&question, Answer::Nothing(1_000), 5);
    assert_eq!(look(&table, "a", 6), Lookup::Unknown);
    table.settle(&question, Answer::Failed, 7);
    assert_eq!(look(&table, "a", 8), Lookup::Unknown);
}

#[test]
fn a_name_without_address_is_unknown_for_a_while() {
    let (table, questions) = NameTable::new();
    assert_eq!(look(&table, "a", 0), Lookup::Waiting);
    table.settle(&questions.try_recv().unwrap(), Answer::Nothing(10_000), 0);
    assert_eq!(look(&table, "a", 9_999), Lookup::Unknown);
    assert_eq!(look(&table, "a", 10_000), Lookup::Waiting);
}

#[test]
fn a_question_that_nobody_answers_is_put_again() {
    let (table, questions) = NameTable::new();
    assert_eq!(look(&table, "a", 0), Lookup::Waiting);
    assert_eq!(look(&table, "a", WAITING_MS), Lookup::Waiting);
    assert_eq!(questions.len(), 2);
}

#[test]
fn an_answer_that_comes_at_once_is_not_lost() {
    let (table, questions) = NameTable::new();
    let table = Arc::new(table);
    let answering = Arc::clone(&table);
    let (done, answered) = bounded(1);
    let helper = std::thread::spawn(move || {
        for question in questions.iter().take(2_000) {
            answering.settle(&question, host(1), 0);
            done.send(()).unwrap();
        }
    });
    for number in 0..2_000 {
        let name = number.to_string();
        let _ = look(&table, &name, 0);
        answered.recv().unwrap();
        assert_eq!(look(&table, &name, 0), at(1), "{name}");
    }
    helper.join().unwrap();
}

#[test]
fn whoever_puts_a_question_rings_the_bell() {
    let (table, _questions) = NameTable::new();
    let rings = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&rings);
    table.set_bell(move || {
        counted.fetch_add(1, Ordering::Relaxed);
    });
    for name in ["a", "a", "b"] {
        assert_eq!(look(&table, name, 0), Lookup::Waiting);
    }
    assert_eq!(rings.load(Ordering::Relaxed), 2);
}

#[test]
fn neither_the_questions_nor_the_names_grow_without_bound() {
    let (table, questions) = NameTable::new();
    for number in 0..NAME_QUESTION_COUNT_MAX + 10 {
        assert_eq!(look(&table, &number.to_string(), 0), Lookup::Waiting);
    }
    assert_eq!(questions.len(), NAME_QUESTION_COUNT_MAX);
    assert_eq!(table.known.len(), NAME_QUESTION_COUNT_MAX);
    let long = vec![b'a'; NAME_BYTES_MAX + 1];
    assert_eq!(table.lookup(&long, None, V4, 0), Lookup::Unknown);
    assert_eq!(look(&NameTable::default(), "a", 0), Lookup::Unknown, "nobody to ask");
}

#[test]
fn a_full_table_has_room_for_other_names() {
    let (table, questions) = NameTable::new();
    for number in 0..3 * NAME_COUNT_MAX {
        let name = number.to_string();
        assert_eq!(look(&table, &name, 0), Lookup::Waiting);
        table.settle(&questions.try_recv().unwrap(), host(1), 0);
        assert_eq!(look(&table, &name, 0), at(1), "{name}");
        assert!(table.known.len() <= NAME_COUNT_MAX, "{}", table.known.len());
    }
}
