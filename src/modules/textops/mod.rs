//! `textops`: the message as text: searching it, replacing pieces, header fields, the body.
//!
//! All functions see the message as it arrived. What they change goes into the edits of the
//! transit and is made when the message leaves, Content-Length included: a header field removed
//! in one line of a script can still be found in the next.

mod body;
mod headers;
mod multipart;
mod search;
mod strings;
mod substitute;

pub(super) use headers::lines;

use super::table::{count, join};
use crate::script::{FunctionSpec, ModuleSpec};
use crate::sip::{Header, Message};

/// The module.
pub(super) const MODULE: ModuleSpec = ModuleSpec {
    functions: &FUNCTIONS,
    ..ModuleSpec::new("textops", "Text and header field operations.")
};

/// The functions of the parts of the module.
const TABLES: &[&[FunctionSpec]] = &[
    search::FUNCTIONS,
    substitute::FUNCTIONS,
    headers::FUNCTIONS,
    body::FUNCTIONS,
    multipart::FUNCTIONS,
    strings::FUNCTIONS,
];

/// All functions.
const FUNCTIONS: [FunctionSpec; count(TABLES)] = join(TABLES);

/// Which of the fields of one name a function looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    /// `a`.
    All,
    /// `f`.
    First,
    /// `l`.
    Last,
}

impl Which {
    /// What the letter of a script means; anything unknown means all.
    fn parse(letter: &[u8]) -> Self {
        match letter.first() {
            Some(b'f' | b'F') => Self::First,
            Some(b'l' | b'L') => Self::Last,
            _ => Self::All,
        }
    }

    /// The chosen ones of the fields of that name, in any case, long or compact.
    fn headers<'d>(self, message: &Message<'d>, name: &[u8]) -> impl Iterator<Item = Header<'d>> {
        let count = message.headers_named(name).count();
        let (skipped, taken) = match self {
            Self::All => (0, count),
            Self::First => (0, 1),
            Self::Last => (count.saturating_sub(1), 1),
        };
        message.headers_named(name).skip(skipped).take(taken)
    }
}

#[cfg(test)]
mod tests {
    use crate::modules::testing::{Trial, over};
    use crate::script::{FALSE, TRUE};

    /// A request with a body.
    const INVITE: &str = "INVITE sip:alice@example.com SIP/2.0\n\
        Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1\n\
        From: <sip:bob@example.org>;tag=1\n\
        To: <sip:alice@example.com>\n\
        Call-ID: a@b\n\
        CSeq: 1 INVITE\n\
        Subject: hello world!\n\
        X-Gone: a\n\
        x-gone: b\n\
        m: <sip:bob@192.0.2.9>\n\
        Content-Type: application/sdp ;x=y\n\
        Content-Length: 47\n\
        \n\
        v=0\ns=-\nc=IN IP4 127.0.0.1\nm=audio 1 RTP/AVP 0\n";

    /// Runs `test` over [`INVITE`].
    fn invite(test: impl FnOnce(&mut Trial<'_>)) {
        let body = INVITE.split_once("\n\n").unwrap().1.replace('\n', "\r\n");
        over(&INVITE.replace("47", &body.len().to_string()), test);
    }

    /// Checks calls that change nothing.
    fn check(calls: &[(&str, &[&str], i32)]) {
        invite(|trial| {
            for (name, arguments, expected) in calls {
                assert_eq!(trial.run(name, arguments), *expected, "{name}{arguments:?}");
            }
            assert!(trial.execution.transit.edits.is_empty());
        });
    }

    /// Checks a call that changes `old` to `new`.
    fn changes(name: &str, arguments: &[&str], old: &str, new: &str) {
        invite(|trial| {
            let (old, new) = (old.replace('\n', "\r\n"), new.replace('\n', "\r\n"));
            let before = trial.sent();
            assert!(before.contains(&old), "{old:?} is in the message");
            assert_eq!(trial.run(name, arguments), TRUE, "{name}{arguments:?}");
            assert_eq!(trial.sent(), before.replacen(&old, &new, 1), "{name}{arguments:?}");
        });
    }

    #[test]
    fn messages_are_searched_by_line() {
        check(&[
            ("search", &["^(Contact|m): .*@192\\.0\\.2\\."], TRUE),
            ("search", &["^ubject"], FALSE),
            ("search", &["^INVITE sip:"], TRUE),
            ("search", &["^c=IN IP4 127.0.0.1$"], TRUE),
            ("search_body", &["m=audio"], TRUE),
            ("search_body", &["m=video"], FALSE),
            ("search_body", &["Subject"], FALSE),
            ("search_hf", &["from", "BOB@", "a"], TRUE),
            ("search_hf", &["X-Gone", "b", "f"], FALSE),
            ("search_hf", &["X-Gone", "b", "l"], TRUE),
            ("search_hf", &["X-None", "b", "l"], FALSE),
            ("search_str", &["sip:a;transport=tcp", ";Transport=tcp$"], TRUE),
            ("search_str", &["a", "("], FALSE),
            ("replace", &["nowhere", "x"], FALSE),
            ("remove_hf", &["X-None"], FALSE),
            ("subst", &["/nowhere/x/"], FALSE),
            ("subst_uri", &["/^sip:nowhere/x/"], FALSE),
        ]);
    }

    #[test]
    fn matches_are_replaced_where_they_stand() {
        for (name, arguments, old, new) in [
            ("replace", &["WORLD", "moon"][..], "world", "moon"),
            ("replace", &["^Subject:.*$", "Subject: x"], "Subject: hello world!", "Subject: x"),
            ("replace_body", &["127.0.0.1", "::1"], "IP4 127.0.0.1", "IP4 ::1"),
            ("replace_hdrs", &["tag=1", "tag=2"], "tag=1", "tag=2"),
            (
                "replace_body_atonce",
                &["^.+$", ""],
                "v=0\ns=-\nc=IN IP4 127.0.0.1\nm=audio 1 RTP/AVP 0\n",
                "",
            ),
            (
                "replace_all",
                &["x-gone: .", "X-New: 1"],
                "X-Gone: a\nx-gone: b\n",
                "X-New: 1\nX-New: 1\n",
            ),
            ("replace_body_all", &["^(s|c)=.*$", "z"], "s=-\nc=IN IP4 127.0.0.1\n", "z\nz\n"),
            ("replace_str", &["X-Gone", "Y", "f"], "X-Gone", "Y"),
            (
                "replace_body_str",
                &["0", "9", "a"],
                "v=0\ns=-\nc=IN IP4 127.0.0.1\nm=audio 1 RTP/AVP 0",
                "v=9\ns=-\nc=IN IP4 127.9.9.1\nm=audio 1 RTP/AVP 9",
            ),
            ("search_append", &["^Subject: .*$", "!"], "world!", "world!!"),
            ("search_append_body", &["^s=", "x"], "s=-", "s=x-"),
            ("subst", &["/^Subject: (.*) world(.*)$/Subject: \\1 moon\\2/"], "world", "moon"),
            (
                "subst_body",
                &["/c=IN IP4 ([0-9.]+)/c=IN IP4 203.0.113.77/g"],
                "127.0.0.1",
                "203.0.113.77",
            ),
            ("subst_hf", &["x-gone", "/./z/", "l"], "x-gone: b", "x-gone: z"),
        ] {
            changes(name, arguments, old, new);
        }
    }

    #[test]
    fn header_fields_are_added_and_removed() {
        for (name, arguments, old, new) in [
            ("append_hf", &["X-Last: 1\r\n"][..], "\n\nv=0", "\nX-Last: 1\n\nv=0"),
            ("append_hf", &["X-Last: 1\n"], "\n\nv=0", "\nX-Last: 1\n\nv=0"),
            ("append_hf", &["X-Last: 1"], "\n\nv=0", "\nX-Last: 1\n\nv=0"),
            ("append_hf", &["A: 1", "X-Gone"], "x-gone: b\n", "x-gone: b\nA: 1\n"),
            (
                "append_hf",
                &["A: 1\r\n folded\r\nB: 2", "Call-ID"],
                "a@b\n",
                "a@b\nA: 1\n folded\nB: 2\n",
            ),
            ("insert_hf", &["A: 1"], "Via:", "A: 1\nVia:"),
            ("insert_hf", &["A: 1", "Contact"], "\nm: ", "\nA: 1\nm: "),
            ("insert_hf", &["A: 1", "X-None"], "Via:", "A: 1\nVia:"),
            (
                "append_urihf",
                &["CC: <", ">\r\n"],
                "\n\nv=0",
                "\nCC: <sip:alice@example.com>\n\nv=0",
            ),
            ("remove_hf", &["X-GONE"], "X-Gone: a\nx-gone: b\n", ""),
            ("remove_hf", &["Contact"], "m: <sip:bob@192.0.2.9>\n", ""),
            ("remove_hf_re", &["^x-"], "X-Gone: a\nx-gone: b\n", ""),
            ("remove_hf_exp", &["^S|^X", "^X"], "Subject: hello world!\n", ""),
            ("remove_hf_idx", &["X-Gone", "-1"], "x-gone: b\n", ""),
            ("remove_hf_idx", &["X-Gone", "0"], "X-Gone: a\n", ""),
            ("remove_hf_match", &["X-Gone", "eq", "b"], "x-gone: b\n", ""),
            ("remove_hf_match", &["X-Gone", "re", "^B"], "x-gone: b\n", ""),
            ("remove_hf_match", &["X-Gone", "ne", "b"], "X-Gone: a\n", ""),
            (
                "append_time_to_request",
                &[],
                "\n\nv=0",
                "\nDate: Sat, 13 Nov 2010 23:29:00 GMT\n\nv=0",
            ),
        ] {
            changes(name, arguments, old, new);
        }
    }

    #[test]
    fn header_text_cannot_end_the_header() {
        invite(|trial| {
            for text in [
                "",
                "\r\n",
                "A: 1\r\n\r\n",
                "A: 1\r\n\r\nv=0",
                "A: 1\n\nB: 2",
                "A",
                ": 1",
                "A b: 1",
                "\r\nA: 1",
                " A: 1",
                "A: 1\rB: 2",
                "A: 1\r\nB",
                "A: \0",
            ] {
                for name in ["append_hf", "insert_hf", "append_to_reply"] {
                    assert_eq!(trial.run(name, &[text]), FALSE, "{name} {text:?}");
                }
            }
            assert!(trial.execution.transit.edits.is_empty());
            assert!(trial.execution.transit.reply_headers.is_empty());
        });
    }

    #[test]
    fn functions_see_the_message_as_it_arrived() {
        invite(|trial| {
            assert_eq!(trial.run("remove_hf", &["X-Gone"]), TRUE);
            assert_eq!(trial.run("is_present_hf", &["X-Gone"]), TRUE);
            assert_eq!(trial.run("remove_hf", &["X-Gone"]), TRUE);
            assert!(!trial.sent().to_lowercase().contains("x-gone"));
        });
    }

    #[test]
    fn reply_lines_wait_for_the_reply() {
        invite(|trial| {
            assert_eq!(trial.run("append_to_reply", &["Retry-After: 3"]), TRUE);
            assert_eq!(trial.run("append_time", &[]), TRUE);
            let lines = trial.execution.transit.reply_headers.concat();
            let expected = "Retry-After: 3\r\nDate: Sat, 13 Nov 2010 23:29:00 GMT\r\n";
            assert_eq!(String::from_utf8_lossy(&lines), expected);
        });
    }

    #[test]
    fn questions_are_answered() {
        check(&[
            ("is_present_hf", &["contact"], TRUE),
            ("is_present_hf", &["M"], TRUE),
            ("is_present_hf", &["X-None"], FALSE),
            ("is_present_hf_re", &["^x-"], TRUE),
            ("has_body", &[], TRUE),
            ("has_body", &["Application/SDP"], TRUE),
            ("has_body", &["text/plain"], FALSE),
            ("is_method", &["INVITE"], TRUE),
            ("is_method", &["OPTIONS|INVITE"], TRUE),
            ("is_method", &["invite"], FALSE),
            ("is_method", &["INVITES"], FALSE),
            ("is_privacy", &["id"], FALSE),
            ("is_audio_on_hold", &[], FALSE),
            ("cmp_str", &["a", "a"], TRUE),
            ("cmp_str", &["a", "A"], FALSE),
            ("cmp_istr", &["a", "A"], TRUE),
            ("starts_with", &["+358", "+3"], TRUE),
            ("starts_with", &["+", "+3"], FALSE),
            ("ends_with", &["100", "00"], TRUE),
            ("str_find", &["abc", "abc"], TRUE),
            ("str_find", &["abc", "bc"], 2),
            ("str_find", &["abc", ""], TRUE),
            ("str_find", &["abc", "BC"], FALSE),
            ("str_ifind", &["abc", "AB"], TRUE),
            ("str_ifind", &["abc", "BC"], 2),
            ("str_any_in", &["1*2", "*#"], TRUE),
            ("str_all_in", &["12", "0123"], TRUE),
            ("str_all_in", &["19", "0123"], FALSE),
            ("in_list", &["fi", "dk,fi,no", ","], TRUE),
            ("in_list", &["f", "dk,fi,no", ","], FALSE),
            ("in_list_prefix", &["final", "dk,fi,no", ","], TRUE),
            ("in_list_prefix", &["x", "dk,,no", ","], FALSE),
        ]);
    }

    #[test]
    fn responses_have_the_method_of_their_cseq() {
        over("SIP/2.0 200 OK\nCSeq: 1 INVITE\nPrivacy: header; id\n\n", |trial| {
            assert_eq!(trial.run("is_method", &["BYE|INVITE"]), TRUE);
            assert_eq!(trial.run("is_method", &["BYE"]), FALSE);
            assert_eq!(trial.run("is_privacy", &["ID"]), TRUE);
            assert_eq!(trial.run("has_body", &[]), FALSE);
        });
    }

    #[test]
    fn bodies_are_replaced_with_their_type() {
        invite(|trial| {
            assert_eq!(trial.run("set_body", &["hi", "text/plain"]), TRUE);
            assert!(trial.sent().ends_with("\r\n\r\nhi"));
            assert!(trial.sent().contains("\r\nContent-Type: text/plain\r\n"));
            assert_eq!(trial.run("set_body", &["hi", "text/plain\r\n"]), FALSE);
        });
        over("MESSAGE sip:a@b SIP/2.0\nTo: <sip:a@b>\n\n", |trial| {
            assert_eq!(trial.run("set_body", &["hi", "text/plain"]), TRUE);
            assert!(trial.sent().ends_with("\r\nContent-Type: text/plain\r\n\r\nhi"));
            assert_eq!(trial.run("set_body", &["hello", "text/html"]), TRUE);
            assert!(trial.sent().ends_with("<sip:a@b>\r\nContent-Type: text/html\r\n\r\nhello"));
        });
        invite(|trial| {
            assert_eq!(trial.run("search_append_body", &["(.|\n)*", "more"]), TRUE);
            assert_eq!(trial.run("set_body", &["hi", "text/plain"]), TRUE);
            assert!(trial.sent().ends_with("\r\n\r\nhi"), "{}", trial.sent());
        });
    }

    #[test]
    fn one_part_of_a_multipart_body_is_left() {
        let text = "INVITE sip:a@b SIP/2.0\nContent-Type: multipart/mixed; boundary=\"b1\"\n\n\
            preamble\n--b1\nContent-Type: text/plain\n\nhi\n--b1\n\
            content-type: application/SDP\nX: y\n\nv=0\ns=-\n\n--b1--\nend\n";
        over(text, |trial| {
            assert_eq!(trial.run("filter_body", &["text/html"]), FALSE);
            assert_eq!(trial.run("filter_body", &["application/sdp"]), TRUE);
            assert!(trial.sent().ends_with("\"b1\"\r\n\r\nv=0\r\ns=-\r\n"), "{}", trial.sent());
        });
        invite(|trial| assert_eq!(trial.run("filter_body", &["application/sdp"]), FALSE));
    }

    #[test]
    fn streams_on_hold_are_found() {
        for (body, expected) in [
            ("m=audio 1\na=sendonly\nm=video 2\na=sendrecv\n", 2),
            ("a=inactive\nm=audio 1\n", 2),
            ("a=inactive\nm=audio 1\na=sendrecv\n", FALSE),
            ("c=IN IP4 0.0.0.0\nm=audio 1\n", 1),
            ("m=audio 1\nm=video 1\na=sendonly\n", FALSE),
            ("", FALSE),
        ] {
            over(&format!("INVITE sip:a@b SIP/2.0\nTo: a\n\n{body}"), |trial| {
                assert_eq!(trial.run("is_audio_on_hold", &[]), expected, "{body:?}");
            });
        }
    }

    #[test]
    fn request_uri_is_substituted() {
        invite(|trial| {
            let rewrite = "/^sip:([a-z]*)@(.*)$/sip:x-\\1@\\2/i";
            assert_eq!(trial.run("subst_uri", &[rewrite]), TRUE);
            assert_eq!(trial.execution.transit.uri, b"sip:x-alice@example.com");
            assert_eq!(trial.run("subst_uri", &["/alice/a b/"]), FALSE, "white space");
            assert_eq!(trial.run("subst_user", &["/^x-(.*)$/\\1-1/"]), TRUE);
            assert_eq!(trial.execution.transit.uri, b"sip:alice-1@example.com");
        });
    }

    #[test]
    fn a_user_part_can_be_substituted_where_there_is_none() {
        over("OPTIONS sip:b:5070;lr SIP/2.0\nTo: a\n\n", |trial| {
            assert_eq!(trial.run("subst_user", &["/^$/a/"]), TRUE);
            assert_eq!(trial.execution.transit.uri, b"sip:a@b:5070;lr");
        });
    }
}
