//! Tests of reading scenarios.

use std::process::Command;

use super::*;
use crate::scenario::{
    Action, Comparison, Distribution, Expect, Field, Missing, Operand, Optional, Piece, Role,
    Routing, SearchIn, Step, What,
};

/// A message that begins a call.
const INVITE: &str = "<send><![CDATA[\nINVITE sip:a SIP/2.0\nCall-ID: [call_id]\n]]></send>";

/// Reads a scenario that begins with an INVITE and goes on like this.
fn program(steps: &str) -> Program {
    let text = format!("<scenario name=\"x\">{INVITE}{steps}</scenario>");
    read(&text, "x.xml").map_err(|errors| errors.to_string()).unwrap().0
}

/// What is wrong with a scenario that begins with an INVITE and goes on like this.
fn errors(steps: &str) -> String {
    let text = format!("<scenario name=\"x\">{INVITE}\n{steps}</scenario>");
    read(&text, "x.xml").unwrap_err().to_string()
}

/// The actions of a `<nop>`; the variables `a` and `b` are set before.
fn actions(actions: &str) -> Vec<Action> {
    let before = "<assign assign_to=\"a\" value=\"1\"/><assign assign_to=\"b\" value=\"2\"/>";
    let steps = format!("<nop><action>{before}{actions}</action></nop>");
    let Some(Step::Nop(nop)) = program(&steps).steps.pop() else { panic!("no <nop>") };
    nop.actions[2..].to_vec()
}

#[test]
fn a_send_has_its_attributes() {
    let steps = "<label id=\"l\"/><send retrans=\"500\" lost=\"10\" start_rtd=\"true\" rtd=\"b\" \
                 next=\"l\" chance=\"0.5\" crlf=\"true\">\
                 <![CDATA[\nBYE sip:a SIP/2.0\n\n]]></send>";
    let program = program(steps);
    let Step::Send(send) = &program.steps[1] else { panic!("no <send>") };
    assert_eq!(send.what, What::Request("BYE".to_owned()));
    assert_eq!(send.retransmit_after.unwrap().as_millis(), 500);
    assert!((send.lost - 0.1).abs() < 1e-9);
    assert_eq!(program.marks, ["1", "b"]);
    assert_eq!((send.chain.start_marks, send.chain.stop_marks), (1, 2));
    assert_eq!((send.chain.next, send.chain.chance), (Some(1), Some(0.5)));
    let Step::Send(first) = &program.steps[0] else { panic!("no <send>") };
    assert_eq!(first.retransmit_after, None);
}

#[test]
fn a_recv_has_its_attributes() {
    let steps = "<recv response=\"180\" optional=\"true\" rrs=\"true\"/>\
                 <recv request=\"INFO\" optional=\"global\"/>\
                 <recv response=\"200\" timeout=\"1500\" ontimeout=\"end\" lost=\"50\"/>\
                 <recv request=\"B.*\" regexp_match=\"true\" condexec=\"v\" \
                 condexec_inverse=\"true\"><action><ereg regexp=\"x\" assign_to=\"v\"/></action>\
                 </recv><label id=\"end\"/>";
    let program = program(steps);
    let receives: Vec<_> = program
        .steps
        .iter()
        .filter_map(|step| if let Step::Receive(receive) = step { Some(receive) } else { None })
        .collect();
    assert!(receives[0].keep_routes && receives[0].expect.is_response(180));
    assert_eq!(receives[0].optional, Optional::Yes);
    assert_eq!(receives[1].optional, Optional::Global);
    assert!(matches!(&receives[1].expect, Expect::Request(method) if method == "INFO"));
    let (time, next) = receives[2].timeout.unwrap();
    assert_eq!((time.as_millis(), next), (1500, Some(5)));
    assert!((receives[2].lost - 0.5).abs() < 1e-9);
    assert!(receives[3].expect.is_request(b"BYE") && !receives[3].expect.is_request(b"ACK"));
    assert_eq!(receives[3].chain.condition, Some((0, true)));
    assert_eq!(receives[3].actions.len(), 1);
}

#[test]
fn pauses_are_fixed_or_by_chance_or_as_the_command_line_says() {
    let steps = "<pause/><pause milliseconds=\"20\"/><timewait milliseconds=\"4000\"/>\
                 <pause distribution=\"fixed\" value=\"7\"/><pause min=\"1\" max=\"2\"/>\
                 <pause distribution=\"uniform\" min=\"1\" max=\"2\"/>\
                 <pause distribution=\"normal\" mean=\"60\" stdev=\"5\"/>\
                 <pause distribution=\"exponential\" mean=\"60\"/>";
    let lengths: Vec<_> = program(steps)
        .steps
        .into_iter()
        .filter_map(|step| if let Step::Pause(pause) = step { Some(pause.length) } else { None })
        .collect();
    let given = Missing::Given;
    let expected = [
        Missing::Hold,
        given(Distribution::Fixed(20.0)),
        given(Distribution::Fixed(4000.0)),
        given(Distribution::Fixed(7.0)),
        given(Distribution::Uniform(1.0, 2.0)),
        given(Distribution::Uniform(1.0, 2.0)),
        given(Distribution::Normal(60.0, 5.0)),
        given(Distribution::Exponential(60.0)),
    ];
    assert_eq!(lengths, expected);
}

#[test]
fn expressions_are_looked_for_where_they_say() {
    let actions = actions(
        "<ereg regexp=\"o=([[:alnum:]]*).*x\" assign_to=\"c, d\" check_it=\"true\"/>\
         <ereg regexp=\".\" search_in=\"body\" assign_to=\"c\" check_it_inverse=\"true\"/>\
         <ereg regexp=\".\" search_in=\"hdr\" header=\"From: \" assign_to=\"c\"/>\
         <ereg regexp=\".\" search_in=\"hdr\" header=\"Via:\" occurrence=\"2\" \
         case_indep=\"true\" assign_to=\"c\"/>\
         <ereg regexp=\".\" search_in=\"hdr\" header=\"INVITE\" start_line=\"true\" \
         assign_to=\"c\"/>\
         <ereg regexp=\".\" search_in=\"var\" variable=\"a\" assign_to=\"c\"/>",
    );
    let Action::Match { regex, search_in, check_it, check_it_inverse, assign_to } = &actions[0]
    else {
        panic!("no expression")
    };
    assert!(regex.is_match(b"o=user1\r\nx"), "a dot is also a line break");
    assert_eq!((search_in, check_it, check_it_inverse), (&SearchIn::Message, &true, &false));
    assert_eq!(assign_to, &[2, 3]);
    let places: Vec<_> = actions[1..]
        .iter()
        .filter_map(|action| match action {
            Action::Match { search_in, .. } => Some(search_in.clone()),
            _ => None,
        })
        .collect();
    let header = |name: &str, occurrence, case_matters| SearchIn::Header {
        name: name.to_owned(),
        occurrence,
        case_matters,
    };
    let expected = [
        SearchIn::Body,
        header("From", 1, true),
        header("Via", 2, false),
        SearchIn::Line("INVITE".to_owned()),
        SearchIn::Variable(0),
    ];
    assert_eq!(places, expected);
}

#[test]
fn variables_are_set_calculated_and_compared() {
    let actions = actions(
        "<assignstr assign_to=\"c\" value=\"x[$a]\"/><todouble assign_to=\"c\" variable=\"a\"/>\
         <add assign_to=\"a\" value=\"1\"/><subtract assign_to=\"a\" variable=\"b\"/>\
         <multiply assign_to=\"a\" value=\"2\"/><divide assign_to=\"a\" value=\"2\"/>\
         <test assign_to=\"c\" variable=\"a\" compare=\"less_than_equal\" value=\"3\"/>\
         <strcmp assign_to=\"c\" variable=\"a\" value=\"[x]\"/><jump value=\"2\"/>\
         <log message=\"at [call_number]\"/><exec int_cmd=\"stop_call\"/>",
    );
    let field = |index: usize| -> Vec<Piece> {
        match &actions[index] {
            Action::AssignText(2, template)
            | Action::CompareText(2, 0, template)
            | Action::Log(template) => template.pieces.clone(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(field(0), [Piece::Literal(0, 1), Piece::Field(Field::Variable(0))]);
    assert!(matches!(actions[1], Action::ToNumber(2, 0)));
    assert!(matches!(actions[2], Action::Calculate(0, '+', Operand::Number(_))));
    assert!(matches!(actions[3], Action::Calculate(0, '-', Operand::Variable(1))));
    assert!(matches!(actions[4], Action::Calculate(0, '*', _)));
    assert!(matches!(actions[5], Action::Calculate(0, '/', _)));
    let test = &actions[6];
    assert!(matches!(test, Action::Test(2, 0, Comparison::LessOrEqual, Operand::Number(_))));
    assert_eq!(field(7), [Piece::Literal(0, 3)]);
    assert!(matches!(actions[8], Action::Jump(Operand::Number(_))));
    assert_eq!(field(9), [Piece::Literal(0, 3), Piece::Field(Field::CallNumber)]);
    assert!(matches!(actions[10], Action::StopCall));
}

#[test]
fn who_begins_is_known_by_the_first_message() {
    assert_eq!(program("").role, Role::Caller);
    let text = format!("<scenario><pause/><recv request=\"OPTIONS\"/>{INVITE}</scenario>");
    let program = read(&text, "dir/x.xml").unwrap().0;
    assert_eq!((program.role, program.name.as_str()), (Role::Callee, "dir/x.xml"));
}

#[test]
fn the_scenario_may_say_where_requests_go_and_which_mark_is_the_main_one() {
    let steps = "<recv response=\"180\" rtd=\"ring\"/><recv response=\"200\" rtd=\"up\"/>";
    let text = format!("<scenario routing=\"dialog\" main=\"up\">{INVITE}{steps}</scenario>");
    let program = read(&text, "x.xml").unwrap().0;
    assert_eq!(
        (program.routing, program.marks),
        (Routing::Dialog, vec!["up".into(), "ring".into()])
    );
    assert_eq!(self::program("").routing, Routing::Target);
    let error = read(&text.replace("rtd=\"up\"", ""), "x.xml").unwrap_err().to_string();
    assert_eq!(error, "x.xml:1:34: no step has rtd=\"up\"");
}

#[test]
fn what_is_ignored_is_noted() {
    let text = format!(
        "<scenario>{INVITE}\n<recv response=\"200\" counter=\"1\" crlf=\"true\" \
         ignoresdp=\"true\"/></scenario>"
    );
    let notes = read(&text, "x.xml").unwrap().1;
    insta::assert_snapshot!(notes.join("\n"));
}

#[test]
fn all_that_is_wrong_is_said_at_once_and_in_order() {
    let bad = include_str!("bad.xml");
    insta::assert_snapshot!(read(bad, "bad.xml").unwrap_err());
}

#[test]
fn wrong_xml_is_said_with_its_place() {
    let error = |text| read(text, "x.xml").unwrap_err().to_string();
    let all = [
        error("<scenario>\n <send>\n</scenario>"),
        error("<scenario>\n <send a=1/>\n</scenario>"),
        error("<scenario>\n <nop/>\n"),
        error("<scenario>\n <nop>&what;</nop></scenario>"),
        error("<call/>"),
        error("<scenario>\n <pause/>\n</scenario>"),
        error("<scenario><recv response=\"200\"/></scenario>"),
    ];
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn a_document_type_and_another_encoding_do_no_harm() {
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\" ?>\n\
         <!DOCTYPE scenario SYSTEM \"sipp.dtd\">\n<scenario>{INVITE}</scenario>"
    );
    assert_eq!(read(&text, "x.xml").unwrap().0.steps.len(), 1);
    assert_eq!(decode(b"<!-- Z\xfcrich -->".to_vec()), "<!-- Zürich -->");
    assert_eq!(decode("<!-- Zürich -->".into()), "<!-- Zürich -->");
}

#[test]
fn a_message_in_a_comment_is_none() {
    let steps =
        "<send><!-- <![CDATA[BYE sip:no SIP/2.0]]> --><![CDATA[\nBYE sip:a SIP/2.0]]></send>";
    let program = program(steps);
    let Step::Send(send) = &program.steps[1] else { panic!("no <send>") };
    assert_eq!(send.template.literals, b"BYE sip:a SIP/2.0\r\n\r\n");
}

#[test]
fn fields_beyond_the_columns_of_a_file_are_said_with_their_place() {
    let text = "<scenario>\n<send><![CDATA[\n  INVITE sip:[field1]@a SIP/2.0\n\
                  X: [field2] [field0 file=\"other.csv\"]\n]]></send></scenario>";
    let files = [Injection::parse("SEQUENTIAL\na;b;c\nd;e\n", "users.csv").unwrap()];
    let error = read_with(text, "x.xml", &files).unwrap_err().to_string();
    assert_eq!(
        error,
        "x.xml:4:4: [field2] is missing in data line 2 of users.csv, which has 2 fields, \
         counted from 0\n\
         x.xml:4:13: [field0] needs an injection file named other.csv; give it with --inf"
    );
    let error = read(text, "x.xml").unwrap_err().to_string();
    assert!(error.starts_with("x.xml:3:14: [field1] needs an injection file; "), "{error}");
}

#[test]
fn an_optional_message_must_be_followed_by_one_that_comes() {
    let error = errors("<recv response=\"180\" optional=\"true\"/>\n<pause/>");
    assert!(error.starts_with("x.xml:6:1: the <recv> before this <pause> is optional"), "{error}");
}

/// One of SIPp's own scenarios; none where SIPp is not installed.
fn of_sipp(name: &str) -> Option<String> {
    let output = Command::new("sipp").args(["-sd", name]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.contains("<scenario").then_some(text)
}

/// Says that a test has nothing to test.
#[expect(clippy::print_stderr, reason = "people who run the test are to see it")]
fn skip() {
    eprintln!("skipped: SIPp is not installed");
}

#[test]
fn the_scenarios_of_sipp_are_read() {
    let cases = [
        ("uac", Role::Caller, "SRRRRSPSR"),
        ("uas", Role::Callee, "RSSRRSP"),
        ("regexp", Role::Caller, "SRRRRSPSR"),
        ("branchc", Role::Caller, "SRRSRRRRRSPSRP"),
        ("branchs", Role::Callee, "RSRSSSSRRSP"),
        ("ooc_default", Role::Callee, "RSP"),
    ];
    for (name, role, expected) in cases {
        let Some(text) = of_sipp(name) else { return skip() };
        let (program, notes) = read(&text, name).map_err(|error| error.to_string()).unwrap();
        assert_eq!((program.role, notes), (role, Vec::new()), "{name}");
        let steps: String = program
            .steps
            .iter()
            .map(|step| match step {
                Step::Send(_) => 'S',
                Step::Receive(_) => 'R',
                Step::Pause(_) => 'P',
                Step::Nop(_) => 'N',
            })
            .collect();
        assert_eq!(steps, expected, "{name}");
    }
}

#[test]
fn the_branches_of_sipp_go_where_the_labels_are() {
    let Some(text) = of_sipp("branchc") else { return skip() };
    let program = read(&text, "branchc").unwrap().0;
    let next: Vec<_> = program.steps.iter().map(|step| step.chain().next).collect();
    assert_eq!((next[1], next[7], next[9]), (Some(3), Some(11), Some(11)));
    let variable = program.steps[9].chain().test.unwrap();
    assert_eq!(program.variables[variable], "8");
}

#[test]
fn what_sipp_does_with_media_and_3pcc_is_refused_by_name() {
    let cases = [
        ("uac_pcap", "play_pcap_audio= of <exec> is not supported"),
        ("3pcc-C-A", "element <sendCmd> (3PCC) is not supported"),
        ("3pcc-C-B", "element <recvCmd> (3PCC) is not supported"),
    ];
    for (name, expected) in cases {
        let Some(text) = of_sipp(name) else { return skip() };
        let errors = read(&text, name).unwrap_err().to_string();
        assert!(errors.contains(expected), "{errors}");
    }
}
