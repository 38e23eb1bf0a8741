//! Bodies of several parts, and bodies of replies.

use super::functions::forwarded;
use super::{ALICE, REQUEST, bench};

/// A body of two parts.
const BODY: &str = "preamble\r\n--b1\r\nContent-Type: text/plain\r\n\r\nhi there\r\n--b1\r\n\
    Content-Type: application/sdp\r\nX-P: 1\r\n\r\nv=0\r\n--b1--\r\n";

/// [`REQUEST`] with that body.
fn request() -> String {
    let lines = format!(
        "Content-Type: multipart/mixed;boundary=\"b1\"\r\nContent-Length: {}\r\n\r\n{BODY}",
        BODY.len()
    );
    REQUEST.replace("Content-Length: 0\r\n\r\n", &lines)
}

/// What the script logs over it.
fn log(body: &str) -> String {
    let mut bench = bench(&format!("route {{ {body} exit; }}"));
    bench.send(ALICE, request());
    bench.log()
}

/// The body as it is forwarded, which must be as long as the header says.
fn body_of(script: &str) -> String {
    let mut bench = bench(&format!("route {{ {script} forward(192.0.2.20, 5060); }}"));
    let sent = bench.send(ALICE, request());
    let text = String::from_utf8_lossy(&sent[0].1).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_default();
    assert!(head.contains(&format!("\r\nContent-Length: {}", body.len())), "{text}");
    body.to_owned()
}

#[test]
fn parts_are_read() {
    for (call, found) in [
        ("get_body_part(\"text/plain\", \"$var(p)\")", "1 0d0a68692074686572650d0a"),
        ("get_body_part(\"TEXT/Plain\", \"$var(p)\")", "1 0d0a68692074686572650d0a"),
        ("get_body_part(\"application/sdp\", \"$var(p)\")", "1 582d503a20310d0a0d0a763d300d0a"),
        ("get_body_part(\"text/html\", \"$var(p)\")", "-1 30"),
        ("get_body_part(\"multipart/mixed\", \"$var(p)\")", "-1 30"),
        (
            "get_body_part_raw(\"text/plain\", \"$var(p)\")",
            "1 436f6e74656e742d547970653a20746578742f706c61696e0d0a0d0a68692074686572650d0a",
        ),
    ] {
        let told = log(&format!("{call}; xlog(\"L_ERR\", \"$rc $(var(p){{s.encode.hexa}})\");"));
        assert_eq!(told, found, "{call}");
    }
    assert_eq!(
        log(
            "if (has_body(\"multipart/mixed\") && !has_body(\"text/plain\")) xlog(\"L_ERR\", \"y\");"
        ),
        "y"
    );
}

#[test]
fn parts_are_added_and_removed() {
    let end = "--b1--\r\n";
    let whole = BODY.strip_suffix(end).unwrap_or_default();
    assert_eq!(
        body_of(
            "append_body_part(\"new\", \"text/x\"); append_body_part_hex(\"6869\", \"text/y\", \"inline\");"
        ),
        format!(
            "{whole}--b1\r\nContent-Type: text/x\r\n\r\nnew\r\n--b1\r\nContent-Type: text/y\r\n\
             Content-Disposition: inline\r\n\r\nhi\r\n{end}"
        )
    );
    let plain = "--b1\r\nContent-Type: text/plain\r\n\r\nhi there\r\n";
    assert_eq!(body_of("remove_body_part(\"text/plain\");"), BODY.replace(plain, ""));
    assert_eq!(
        body_of("remove_body_part(\"text/plain\"); remove_body_part(\"application/sdp\");"),
        "preamble\r\n--b1--\r\n"
    );
    for call in [
        "remove_body_part(\"text/html\")",
        "append_body_part(\"a\r\n--b1\r\n\", \"text/x\")",
        "append_body_part(\"a\", \"text/x\r\nY: z\")",
        "append_body_part(\"a\", \"\")",
        "append_body_part_hex(\"686\", \"text/x\")",
        "append_body_part_hex(\"6x\", \"text/x\")",
        "remove_body_part(\"text/plain\") && remove_body_part(\"text/plain\")",
    ] {
        let told = log(&format!("if (!{call}) xlog(\"L_ERR\", \"no\");"));
        assert!(call.contains("&&") || told.ends_with("no"), "{call}: {told}");
    }
}

#[test]
fn a_body_becomes_multipart() {
    let sdp = "set_body(\"v=0\r\n\", \"application/sdp\"); msg_apply_changes();";
    for (call, expected) in [
        (
            "set_body_multipart();",
            "--unique-boundary-1\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n\r\n--unique-boundary-1--\r\n",
        ),
        (
            "set_body_multipart(\"one\", \"text/one\");",
            "--unique-boundary-1\r\nContent-Type: text/one\r\n\r\none\r\n--unique-boundary-1--\r\n",
        ),
        (
            "set_body_multipart(\"one\", \"\", \"b2\");",
            "--b2\r\nContent-Type: text/plain\r\n\r\none\r\n--b2--\r\n",
        ),
        (
            "set_body_multipart(\"one\", \"text/one\", \"b2\"); msg_apply_changes(); append_body_part(\"two\", \"text/two\");",
            "--b2\r\nContent-Type: text/one\r\n\r\none\r\n--b2\r\nContent-Type: text/two\r\n\r\ntwo\r\n--b2--\r\n",
        ),
    ] {
        let sent = forwarded(&format!("{sdp} {call}"));
        let (head, body) = sent.split_once("\r\n\r\n").unwrap_or_default();
        assert_eq!(body, expected, "{call}");
        assert!(head.contains("\r\nMime-Version: 1.0"), "{head}");
        assert!(head.contains("\r\nContent-Type: multipart/mixed;boundary=\""), "{head}");
    }
    assert_eq!(body_of("set_body_multipart();"), BODY);
    for call in [
        "set_body_multipart(\"a\r\n--b2\r\n\", \"text/x\", \"b2\")",
        "set_body_multipart(\"a\", \"text/x\", \"b 2\")",
        "set_body_multipart(\"a\", \"text/x\", \"b\\\"\")",
        "set_body_multipart(\"a\", \"text/x\r\nY: z\")",
    ] {
        assert_eq!(log(&format!("if (!{call}) xlog(\"L_ERR\", \"no\");")), "no", "{call}");
    }
    let empty = super::log("if (!set_body_multipart()) xlog(\"L_ERR\", \"no\");");
    assert_eq!(empty, ["no"], "there is no body");
}

#[test]
fn replies_can_have_a_body() {
    let script =
        "route { set_reply_body(\"hello\", \"text/plain\"); sl_send_reply(\"488\", \"No\"); }";
    let sent = bench(script).send(ALICE, REQUEST);
    let text = String::from_utf8_lossy(&sent[0].1).into_owned();
    assert!(text.contains("\r\nContent-Type: text/plain\r\n"), "{text}");
    assert!(text.ends_with("\r\nContent-Length: 5\r\n\r\nhello"), "{text}");
    let script = "route { set_reply_body(\"x\", \"a\r\nb: c\"); sl_send_reply(\"488\", \"No\"); }";
    let sent = bench(script).send(ALICE, REQUEST);
    assert!(sent[0].1.ends_with(b"\r\nContent-Length: 0\r\n\r\n"));
}

#[test]
fn the_body_of_a_reply_outlives_a_wait() {
    let script = "route { set_reply_body(\"hello\", \"text/plain\"); exec_cmd(\"true\"); sl_send_reply(\"488\", \"No\"); }";
    let mut bench = bench(script);
    assert!(bench.send(ALICE, REQUEST).is_empty());
    let sent = bench.finish(viaduct::jobs::Ending::Exited(0), "");
    assert!(sent[0].1.ends_with(b"\r\nContent-Length: 5\r\n\r\nhello"));
}

#[test]
fn what_is_read_with_the_changes_has_its_length() {
    let told = log(
        "set_body(\"hello\", \"text/plain\"); xlog(\"L_ERR\", \"$(mbu{re.subst,/.*Content-Length: ([0-9]+).*/\\1/s})\");",
    );
    assert!(told.contains("Content-Length: 5") || told == "5", "{told}");
}
