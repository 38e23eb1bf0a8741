//! Datagrams at a caller and a callee of the load generator in the middle of a call: between
//! what they say themselves, alternately to the one and the other. Three zero bytes are between
//! two datagrams; an empty one lets time pass.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use viaload::scenario::builtin;

#[path = "../../loadgen/tests/support/pair.rs"]
#[allow(dead_code, reason = "each user takes a part of it")]
mod pair;

use pair::{Pair, with_call_id};

fuzz_target!(|bytes: &[u8]| {
    let Some((scenario, rest)) = bytes.split_first() else { return };
    let names = builtin::names();
    let (name, _) = names[usize::from(*scenario) % names.len()];
    let mut pair = Pair::new(builtin::cast(name).expect("a built-in scenario"), 1);
    pair.start(1);
    let mut rest = rest;
    for number in 0..16 {
        let middle = rest.windows(3).position(|three| three == b"\0\0\0").unwrap_or(rest.len());
        let (datagram, behind) = rest.split_at(middle);
        rest = behind.get(3..).unwrap_or_default();
        if datagram.is_empty() {
            pair.pass(Duration::from_millis(500));
        } else {
            pair.inject(number % 2, datagram);
            // The same within the call.
            pair.inject(number % 2, &with_call_id(datagram, "0-7@127.0.0.1"));
        }
        pair.deliver();
    }
    pair.finish();
    assert_eq!(pair.in_flight(), 0, "a call hangs");
});
