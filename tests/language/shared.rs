//! What all workers share, and what time it is.

use viaduct::time::Zone;

use super::core_support::program;
use super::{ALICE, REQUEST, bench, errors, log_of, shows};

/// A script that says what shared variables are, and changes one.
const SHARED: &str = r#"
modparam("pv", "shvset", "count=i:7")
modparam("pv", "shvset", "text=s:a b=c")
modparam("cfgutils", "shvset", "old=i:-3")
route { xlog("L_ERR", "$shv(count) $shv(text) $shv(old) $shv(other)\n"); $shv(count) = $shv(count) + 1;
    $shv(other) = "x" + $shv(other); exit; }"#;

#[test]
fn shared_variables_outlive_the_run() {
    let mut bench = bench(SHARED);
    bench.send(ALICE, REQUEST);
    bench.send(ALICE, REQUEST);
    bench.send(ALICE, REQUEST);
    assert_eq!(bench.log(), "7 a b=c -3 0\n8 a b=c -3 x0\n9 a b=c -3 xx0\n");
}

#[test]
fn shared_variables_outlive_the_script() {
    let mut bench = bench(SHARED);
    bench.send(ALICE, REQUEST);
    let other = "loadmodule \"xlog.so\"\nmodparam(\"pv\", \"shvset\", \"count=i:1\")\n\
                 modparam(\"pv\", \"shvset\", \"new=i:5\")\n\
                 route { xlog(\"L_ERR\", \"$shv(count) $shv(new) $shv(text)\"); exit; }";
    bench.core.replace_program(&program(other).into());
    bench.send(ALICE, REQUEST);
    assert_eq!(bench.log(), "7 a b=c -3 0\n8 5 0");
}

#[test]
fn shared_variables_are_numbers_or_texts() {
    shows(&[
        ("$shv(a) = 5; $shv(a) = $null;", "[$shv(a)]", "[]"),
        ("$shv(a) = 5; $shv(a) += 2;", "$shv(a)", "7"),
        ("$shv(a) = \"b\";", "$(shv(a){s.toupper})", "B"),
    ]);
    assert_eq!(errors("$shv($var(x)) = 1;"), ["`$shv` needs a plain name"]);
    let script = "modparam(\"pv\", \"shvset\", \"count\")\nroute { exit; }";
    assert!(std::panic::catch_unwind(|| bench(script)).is_err());
}

#[test]
fn the_clock_is_read_in_parts() {
    let script = "route { xlog(\"L_ERR\", \"$TV(s) $TV(u) $TV(sn) $TV(un) $TV(Sn)\"); exit; }";
    let mut bench = bench(script);
    bench.now.wall_fraction_us = 1_234;
    bench.send(ALICE, REQUEST);
    assert_eq!(bench.log(), "1800000000 1234 1800000000 1234 1800000000.001234");
}

#[test]
fn people_are_told_their_own_time() {
    let script = "route { xlog(\"L_ERR\", \"$timef(%F %T %z %Z %s) $time(hour) $time(isdst)\n$Tf\n\
                  $utimef(%F %T %z %Z) $utime(hour) $utime(isdst)\n$(Ts{s.ftime,%T})\"); exit; }";
    let mut bench = bench(script);
    let abbreviation = *b"NST\0\0\0\0";
    bench.now.zone = Zone { offset_seconds: -9_000, saves_daylight: true, abbreviation };
    bench.send(ALICE, REQUEST);
    assert_eq!(
        bench.log(),
        "2027-01-15 05:30:00 -0230 NST 1800000000 5 1\nFri Jan 15 05:30:00 2027\n\
         2027-01-15 08:00:00 +0000 GMT 8 0\n05:30:00"
    );
}

#[test]
fn bytes_can_be_written_by_their_numbers() {
    for (text, bytes) in [
        (r"\x41\x4z\101\07\a\n", "41047a4107070a"),
        (r"\x\xzz\7\9\1a", "5c785c787a7a5c375c395c3161"),
        (r"\\x41", "5c783431"),
    ] {
        let script = format!(
            "route {{ $var(x) = \"{text}\"; xlog(\"L_ERR\", \"$(var(x){{s.encode.hexa}})\"); exit; }}"
        );
        assert_eq!(log_of(&script, REQUEST), [bytes], "{text}");
    }
}
