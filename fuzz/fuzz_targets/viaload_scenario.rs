//! Any text as a SIPp scenario: it is read, or refused with a reason. What is read runs against
//! the callees that are built in.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use viaload::scenario::{Cast, Injection, Order, Role, builtin, sipp};

#[path = "../../loadgen/tests/support/pair.rs"]
#[allow(dead_code, reason = "each user takes a part of it")]
mod pair;

use pair::Pair;

fuzz_target!(|text: &[u8]| {
    if text.len() > 8_192 {
        return;
    }
    let text = sipp::decode(text.to_vec());
    let file = Injection {
        name: "users.csv".to_owned(),
        order: Order::Sequential,
        lines: vec![vec!["a".to_owned(), "b".to_owned()]],
    };
    match sipp::read_with(&text, "fuzz.xml", &[file]) {
        Err(errors) => assert!(!errors.to_string().is_empty(), "refused without a reason"),
        Ok((program, _)) if program.role == Role::Caller => {
            let mut pair = Pair::new(Cast::new(vec![(program, 1)], builtin::callees()), 1);
            pair.start(1);
            pair.pass(Duration::from_secs(40));
        }
        Ok(_) => {}
    }
});
