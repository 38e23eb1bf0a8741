//! RFC 4475 §3.1.1: unusual, but valid.

use super::Expectation::Valid;
use super::Torture;

/// A hundred bytes of nothing in particular.
macro_rules! long {
    () => {
        "longerlongerlongerlongerlongerlongerlongerlongerlongerlongerlongerlongerlongerlongerlonger"
    };
}

/// All of them.
pub(super) const MESSAGES: &[Torture] = &[
    // White space, folds, odd cases and compact forms wherever the grammar allows them.
    Torture {
        name: "wsinv",
        section: "3.1.1.1",
        text: lines![
            "INVITE sip:vera@garden.example.com;novelty SIP/2.0",
            "tO :",
            " sip:vera@garden.example.com ;\t tag    = 77a18",
            "FROM   : \"Wim \\\\ \\\"Bos\\\"\"       <sip:wim@example.com>",
            "  ;",
            "  tag = 5aef",
            "mAx-FoRwArDs: 0068",
            "Call-ID: wsinv.k20@192.0.2.7",
            "Content-Length   : 91",
            "cseQ: 0017",
            "  INVITE",
            "Via  : SIP  /   2.0",
            " /UDP",
            "    192.0.2.7;branch=old2543",
            "s :",
            "Brand-New-Field:   first",
            " second",
            "Unknown-Field-Of-Separators: ;;,,;;,;",
            "Content-Type: application/sdp",
            "Route:",
            " <sip:next.example.com;lr;strange=yes;stranger>",
            "v:  SIP  / 2.0  / TCP     mill.example.com   ;",
            "  branch  =   z9hG4bKm1ll  ,",
            " SIP  /    2.0   / UDP  192.168.7.7   ; branch=",
            " z9hG4bK8y7",
            "m:\"Quoted \\\"\\\"\" <sip:wim@example.com> ; fresh =",
            "      air ;",
            "  bare ; q = 0.33",
            "",
            sdp!(),
        ],
        expectation: Valid,
    },
    // Every character that the grammar allows in each place.
    Torture {
        name: "intmeth",
        section: "3.1.1.2",
        text: lines![
            "aB9-.!%*_+`'~ sip:aB9-_.!~*'()&=+$,;?/%41:aB9-_.!~*'()&=+$,%42@example.com SIP/2.0",
            "Via: SIP/2.0/TCP host7.example.com;branch=z9hG4bK-.!%*_+`'~",
            "To: \"BEL:\\\u{7} NUL:\\\0 DEL:\\\u{7f}\" <sip:-_.!~*'()&=+$,;?/@example.com>",
            "From: one~` two'+_ three*%!.- <sip:ann@example.com>;odd''~+*_!.-%=\"да\";tag=`~'_+*%!-.",
            "Call-ID: intmeth.-.!%*_+`'~()<>:\\\"/[]?{}@()<>:\\\"/[]?{}",
            "CSeq: 2147483647 aB9-.!%*_+`'~",
            "Max-Forwards: 255",
            "odd-.!%*_+`'~Field:\u{feff}例え",
            "Content-Length: 0",
            "",
        ],
        expectation: Valid,
    },
    // Escapes in users, parameter names and values; one that decodes to an escape.
    Torture {
        name: "esc01",
        section: "3.1.1.3",
        text: lines![
            "INVITE sip:sip%3Aann%40example.org@example.com SIP/2.0",
            "To: sip:%61n%6E@example.com",
            "From: <sip:two%20words%20here@example.com>;tag=771",
            "Max-Forwards: 87",
            "i: esc01.550aa-7",
            "CSeq: 771 INVITE",
            "Via: SIP/2.0/UDP host7.example.com;branch=z9hG4bKe01",
            "C: application/sdp",
            "Contact:",
            "  <sip:%61nn@host7.example.com;%6C%72;n%61me=v%61lue%25%34%31>",
            "Content-Length: 91",
            "",
            sdp!(),
        ],
        expectation: Valid,
    },
    // An escaped NUL ends no string.
    Torture {
        name: "escnull",
        section: "3.1.1.4",
        text: lines![
            "REGISTER sip:example.com SIP/2.0",
            "To: sip:nul-%00-nul@example.com",
            "From: sip:nul-%00-nul@example.com;tag=772",
            "Max-Forwards: 70",
            "Call-ID: escnull.550aa-8",
            "CSeq: 772 REGISTER",
            "Via: SIP/2.0/UDP host7.example.com;branch=z9hG4bKe02",
            "Contact: <sip:%00@host7.example.com>",
            "Contact: <sip:%00%00@host7.example.com>",
            "L:0",
            "",
        ],
        expectation: Valid,
    },
    // Where the grammar has no escapes, a percent sign is only that: this is no REGISTER, and it
    // has two Contacts, not three.
    Torture {
        name: "esc02",
        section: "3.1.1.5",
        text: lines![
            "RE%47ISTE%52 sip:registrar.example.com SIP/2.0",
            "To: \"%Z%41\" <sip:thing@example.com>",
            "From: \"%Z%41\" <sip:thing@example.com>;tag=773",
            "Call-ID: esc02.550aa-9",
            "Via: SIP/2.0/TCP host7.example.com;branch=z9hG4bK773%41",
            "CSeq: 773 RE%47ISTE%52",
            "Max-Forwards: 70",
            "Contact: <sip:first@host7.example.com>",
            "Conta%63t: <sip:second@host7.example.com>",
            "Contact: <sip:third@host7.example.com>",
            "l: 0",
            "",
        ],
        expectation: Valid,
    },
    // No space between display name and URI.
    Torture {
        name: "lwsdisp",
        section: "3.1.1.6",
        text: lines![
            "OPTIONS sip:bob@example.com SIP/2.0",
            "To: sip:bob@example.com",
            "From: ann<sip:ann@example.com>;tag=774",
            "Max-Forwards: 70",
            "Call-ID: lwsdisp.550aa-10",
            "CSeq: 774 OPTIONS",
            "Via: SIP/2.0/UDP host7.example.com;branch=z9hG4bKl01",
            "l: 0",
            "",
        ],
        expectation: Valid,
    },
    // Values and names of hundreds of bytes, and many Vias in all spellings.
    Torture {
        name: "longreq",
        section: "3.1.1.7",
        text: lines![
            "INVITE sip:bob@example.com SIP/2.0",
            concat!(
                "To: \"My name is ",
                long!(),
                long!(),
                "\"<sip:bob@example.com:6000;one=",
                long!(),
                ";",
                long!(),
                "name=two;",
                long!(),
                ">"
            ),
            concat!(
                "F: sip:ann",
                long!(),
                "@example.org;tag=7",
                long!(),
                ";a",
                long!(),
                "=",
                long!()
            ),
            concat!("Call-ID: longreq.", long!(), long!()),
            "CSeq: 775 INVITE",
            concat!("Unknown-", long!(), "-Field: ", long!(), "; ", long!(), " = ", long!()),
            "Via: SIP/2.0/TCP s20.example.com",
            "v: SIP/2.0/TCP s19.example.com",
            "V: SIP/2.0/TCP s18.example.com",
            "ViA: SIP/2.0/TCP s17.example.com",
            "VIa: SIP/2.0/TCP s16.example.com",
            "VIA: SIP/2.0/TCP s15.example.com",
            "via: SIP/2.0/TCP s14.example.com",
            "viA: SIP/2.0/TCP s13.example.com",
            "vIa: SIP/2.0/TCP s12.example.com",
            "vIA: SIP/2.0/TCP s11.example.com",
            "V :  SIP/2.0/TCP s10.example.com",
            "v :  SIP/2.0/TCP s9.example.com",
            "V  : SIP/2.0/TCP s8.example.com",
            "v  : SIP/2.0/TCP s7.example.com",
            "Via : SIP/2.0/TCP s6.example.com",
            "Via  : SIP/2.0/TCP s5.example.com",
            "Via: SIP/2.0/TCP s4.example.com, SIP/2.0/TCP s3.example.com",
            "Via: SIP/2.0/TCP s2.example.com",
            concat!("Via: SIP/2.0/TCP s1.example.com;received=192.0.2.7;branch=", long!(), long!()),
            "Max-Forwards: 70",
            concat!("Contact: <sip:ann", long!(), "@host7.example.org>"),
            "Content-Type: application/sdp",
            "l: 91",
            "",
            sdp!(),
        ],
        expectation: Valid,
    },
    // The datagram goes on behind the request, which ends where it says; the rest is ignored.
    Torture {
        name: "dblreq",
        section: "3.1.1.8",
        text: lines![
            "REGISTER sip:example.com SIP/2.0",
            "To: sip:ann@example.com",
            "From: sip:ann@example.com;tag=776",
            "Max-Forwards: 8",
            "I: dblreq.550aa-12",
            "Contact: sip:ann@host7.example.com",
            "CSeq: 776 REGISTER",
            "Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKd01",
            "Content-Length: 0",
            "",
            "",
            "INVITE sip:bob@example.com SIP/2.0",
            "t: sip:bob@example.com",
            "From: sip:ann@example.org;tag=777",
            "Max-Forwards: 8",
            "Call-ID: dblreq.550aa-13",
            "CSeq: 777 INVITE",
            "Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKd02",
            "Content-Type: application/sdp",
            "Content-Length: 91",
            "",
            sdp!(),
        ],
        expectation: Valid,
    },
    // What looks like a URI parameter is part of the user.
    Torture {
        name: "semiuri",
        section: "3.1.1.9",
        text: lines![
            "OPTIONS sip:bob;via=ann%40example.org@example.com SIP/2.0",
            "To: sip:bob_b@example.com",
            "From: sip:ann@example.org;tag=778",
            "Max-Forwards: 3",
            "Call-ID: semiuri.550aa-14",
            "CSeq: 778 OPTIONS",
            "Accept: application/sdp, text/plain,",
            "        message/sip, message/sipfrag",
            "Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKs01",
            "l: 0",
            "",
        ],
        expectation: Valid,
    },
    // Transports that nobody has heard of.
    Torture {
        name: "transports",
        section: "3.1.1.10",
        text: lines![
            "OPTIONS sip:bob@example.com SIP/2.0",
            "To: sip:bob@example.com",
            "From: <sip:ann@example.com>;tag=779",
            "Max-Forwards: 70",
            "Call-ID:  transports.550aa-15",
            "Accept: application/sdp",
            "CSeq: 779 OPTIONS",
            "Via: SIP/2.0/UDP h1.example.com;branch=z9hG4bKt01",
            "Via: SIP/2.0/SCTP h2.example.com;branch=z9hG4bKt02",
            "Via: SIP/2.0/TLS h3.example.com;branch=z9hG4bKt03",
            "Via: SIP/2.0/CARRIER-PIGEON h4.example.com;branch=z9hG4bKt04",
            "Via: SIP/2.0/TCP h5.example.com;branch=z9hG4bKt05",
            "l: 0",
            "",
        ],
        expectation: Valid,
    },
    // A body in several parts, one of them binary with NUL and line breaks.
    Torture {
        name: "mpart01",
        section: "3.1.1.11",
        text: b"MESSAGE sip:bob@example.org SIP/2.0\r\n\
            Via: SIP/2.0/UDP 192.0.2.7:5070;branch=z9hG4bK-p01;rport\r\n\
            Max-Forwards: 70\r\n\
            Route: <sip:192.0.2.8:5080>\r\n\
            Identity: c2lnbmVkIGJ5IG5vYm9keSBpbiBwYXJ0aWN1bGFyLCBmb3Igbm8gcmVhc29uIGF0IGFsbA==\r\n\
            Contact: <sip:ann@192.0.2.7:5070>\r\n\
            To: <sip:bob@example.org>\r\n\
            From: <sip:ann@example.com>;tag=780\r\n\
            Call-ID: mpart01.550aa-16@YW5u..\r\n\
            CSeq: 1 MESSAGE\r\n\
            Content-Transfer-Encoding: binary\r\n\
            Content-Type: multipart/mixed;boundary=edge\r\n\
            Date: Sat, 15 Oct 2005 04:44:56 GMT\r\n\
            User-Agent: phone/0.7 (none)\r\n\
            Content-Length: 164\r\n\
            \r\n\
            --edge\r\n\
            Content-Type: text/plain\r\n\
            Content-Transfer-Encoding: binary\r\n\
            \r\n\
            Hello\r\n\
            --edge\r\n\
            Content-Type: application/octet-stream\r\n\
            \r\n\
            0\x82\x01R\x06\t*\x86H\x86\xf7\0\r\n\r\n\x01\x07\x02\xa0\x00\x00\xff\xfe\r\n\
            --edge--\r\n",
        expectation: Valid,
    },
    // A reason phrase of signs and letters from elsewhere.
    Torture {
        name: "unreason",
        section: "3.1.1.12",
        text: lines![
            "SIP/2.0 200 = 2**3 * 5**2 двести - это хорошо",
            "Via: SIP/2.0/UDP 192.0.2.8;branch=z9hG4bKu01",
            "Call-ID: unreason.550aa-17",
            "CSeq: 35 INVITE",
            "From: sip:ann@example.com;tag=781",
            "To: sip:bob@example.org;tag=782",
            "Content-Length: 91",
            "Content-Type: application/sdp",
            "Contact: <sip:bob@host8.example.com>",
            "",
            sdp!(),
        ],
        expectation: Valid,
    },
    // No reason phrase; the space before it stays.
    Torture {
        name: "noreason",
        section: "3.1.1.13",
        text: lines![
            "SIP/2.0 100 ",
            "Via: SIP/2.0/UDP 192.0.2.8;branch=z9hG4bKn01",
            "Call-ID: noreason.550aa-18",
            "CSeq: 35 INVITE",
            "From: <sip:ann@example.com>;tag=783",
            "To: <sip:bob@example.org>;tag=784",
            "Content-Length: 0",
            "Contact: <sip:bob@host8.example.com>",
            "",
        ],
        expectation: Valid,
    },
];
