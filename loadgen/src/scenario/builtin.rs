//! Scenarios that are compiled in: files of the same language, in `scenarios/`.

use super::{Cast, Program, sipp};

/// A scenario that is compiled in.
#[derive(Clone, Copy, Debug)]
struct Builtin {
    /// Its name.
    name: &'static str,
    /// The caller's file.
    caller: &'static str,
    /// The callee's file.
    callee: &'static str,
}

/// Names an entry and reads its files.
macro_rules! builtin {
    ($name:literal) => {
        Builtin {
            name: $name,
            caller: include_str!(concat!("../../scenarios/", $name, ".xml")),
            callee: include_str!(concat!("../../scenarios/", $name, "-callee.xml")),
        }
    };
}

/// All of them. Of several callees that begin with the same method, the first one serves those
/// who do not name any.
const BUILTINS: [Builtin; 10] = [
    builtin!("call"),
    builtin!("cancel"),
    builtin!("busy"),
    builtin!("noanswer"),
    builtin!("dtmf"),
    builtin!("reinvite"),
    builtin!("options"),
    builtin!("message"),
    builtin!("refresh"),
    builtin!("register"),
];

/// What each of them does, and what the mixture is.
const SUMMARIES: [(&str, &str); 11] = [
    ("call", "a call that is answered: INVITE 180 200 ACK, hold, BYE 200"),
    ("cancel", "a call given up while it rings: INVITE 180 CANCEL 200 487 ACK"),
    ("busy", "a call to somebody who is busy: INVITE 486 ACK"),
    ("noanswer", "a call that nobody answers: INVITE 180, hold, 480 ACK"),
    ("dtmf", "a call with an INFO in both directions"),
    ("reinvite", "a call with a second INVITE within the dialog"),
    ("options", "OPTIONS 200"),
    ("message", "MESSAGE 200"),
    ("refresh", "one registration for ten minutes: REGISTER 200"),
    ("register", "a registration, hold, its refresh, hold, its removal"),
    (MIXED, "a carrier's day: 70 % call, 10 % cancel, 10 % busy, 10 % refresh"),
];

/// The name of the mixture.
const MIXED: &str = "mixed";

/// What the mixture consists of, with weights.
const MIXTURE: [(&str, u32); 4] = [("call", 70), ("cancel", 10), ("busy", 10), ("refresh", 10)];

/// Names of all scenarios, each with a line that says what it does.
#[must_use]
pub const fn names() -> &'static [(&'static str, &'static str)] {
    &SUMMARIES
}

/// The callers of a scenario and all callees; none if there is no such scenario.
#[must_use]
pub fn cast(name: &str) -> Option<Cast> {
    let parts = if name == MIXED { &MIXTURE[..] } else { &[(name, 1)] };
    let callers = parts.iter().map(|(name, weight)| Some((program(find(name)?.caller)?, *weight)));
    Some(Cast::new(callers.collect::<Option<_>>()?, callees()))
}

/// One who removes the registrations that a run has made.
#[must_use]
pub fn removal() -> Option<Cast> {
    let caller = program(include_str!("../../scenarios/remove.xml"))?;
    Some(Cast::new(vec![(caller, 1)], callees()))
}

/// All callees; for a method that several wait for, the first is the one for strangers.
#[must_use]
pub fn callees() -> Vec<Program> {
    BUILTINS.iter().filter_map(|builtin| program(builtin.callee)).collect()
}

/// The scenario's files as (name, text), to print them; none if there is no such scenario.
#[must_use]
pub fn source(name: &str) -> Option<Vec<(String, &'static str)>> {
    let parts = if name == MIXED { MIXTURE.map(|(name, _)| name).to_vec() } else { vec![name] };
    let builtins = parts.into_iter().map(find).collect::<Option<Vec<_>>>()?;
    let files = builtins.into_iter().flat_map(|builtin| {
        let name = builtin.name;
        [(format!("{name}.xml"), builtin.caller), (format!("{name}-callee.xml"), builtin.callee)]
    });
    Some(files.collect())
}

/// The scenario of this name.
fn find(name: &str) -> Option<&'static Builtin> {
    BUILTINS.iter().find(|builtin| builtin.name == name)
}

/// Reads a file that is compiled in; a test reads all of them.
fn program(text: &str) -> Option<Program> {
    sipp::read(text, "").ok().map(|(program, _)| program)
}

#[cfg(test)]
mod tests {
    use viaduct::sip::{HeaderName, MessageIndex};

    use super::*;
    use crate::scenario::{Expect, Field, LastHeader, Piece, Role, Routing, Step, Template, What};

    #[test]
    fn a_removal_is_a_registration_that_ends_at_once() {
        let cast = removal().unwrap();
        let steps = &cast.programs[0].steps;
        let Step::Send(send) = &steps[0] else { panic!("{steps:?}") };
        assert_eq!(send.what, What::Request("REGISTER".to_owned()));
        let expires = b"Expires: 0\r\n";
        assert!(send.template.literals.windows(expires.len()).any(|bytes| bytes == expires));
    }

    /// All programs with the names of their files.
    fn programs() -> Vec<(String, Program)> {
        let names = BUILTINS.iter().map(|builtin| builtin.name);
        let files = names.flat_map(|name| source(name).unwrap());
        files
            .map(|(name, text)| {
                let (program, notes) = sipp::read(text, &name).unwrap_or_else(|e| panic!("{e}"));
                assert_eq!(notes, Vec::<String>::new(), "{name}");
                (name, program)
            })
            .collect()
    }

    #[test]
    fn all_are_read_and_their_two_sides_have_one_name() {
        let programs = programs();
        assert_eq!(programs.len(), 20);
        for (file, program) in programs {
            let (name, role) = match file.strip_suffix("-callee.xml") {
                Some(name) => (name, Role::Callee),
                None => (file.trim_end_matches(".xml"), Role::Caller),
            };
            assert_eq!((program.name.as_str(), program.role), (name, role), "{file}");
            assert_eq!(program.routing, Routing::Dialog, "{file}");
            assert_eq!(program.marks.is_empty(), role == Role::Callee, "{file}");
        }
    }

    #[test]
    fn every_name_has_a_cast_with_all_callees() {
        for (name, _) in names() {
            let cast = cast(name).unwrap();
            let callees = cast.programs.iter().filter(|program| program.role == Role::Callee);
            assert_eq!(callees.count(), super::callees().len(), "{name}");
        }
        assert!(cast("nothing").is_none() && source("nothing").is_none());
    }

    #[test]
    fn the_main_marks_are_those_that_people_ask_for() {
        let main = |name| cast(name).unwrap().shape.marks[0].clone();
        assert_eq!(
            ["call", "cancel", "busy", "mixed"].map(main),
            ["setup", "post_dial", "setup", "setup"]
        );
        assert_eq!(["options", "message", "register", "refresh"].map(main), ["response"; 4]);
    }

    #[test]
    fn the_mixture_is_a_carriers_day() {
        let cast = cast(MIXED).unwrap();
        let weights: Vec<_> = cast
            .callers
            .iter()
            .map(|caller| (cast.programs[caller.program].name.as_str(), caller.weight))
            .collect();
        assert_eq!(weights, MIXTURE);
    }

    #[test]
    fn strangers_that_call_are_answered() {
        let cast = cast("options").unwrap();
        let callee = |name: Option<&str>, method: &[u8]| {
            let id = cast.callee(name.map(str::as_bytes), method);
            id.map(|id| cast.programs[id].name.clone())
        };
        assert_eq!(callee(None, b"INVITE").unwrap(), "call");
        assert_eq!(callee(Some("busy"), b"INVITE").unwrap(), "busy");
        assert_eq!(callee(Some("nothing"), b"REGISTER").unwrap(), "refresh");
        assert_eq!(callee(None, b"PUBLISH"), None);
    }

    /// A message with everything filled in; `cseq` is what it answers.
    fn composed(template: &Template, cseq: &str) -> String {
        let literal = |start: u32, end: u32| {
            let text = &template.literals[start as usize..end as usize];
            String::from_utf8(text.to_vec()).unwrap()
        };
        let one = |piece: &Piece| match piece {
            Piece::Literal(start, end) => literal(*start, *end),
            Piece::Field(field) => sample(field, cseq),
            Piece::LineStart => String::new(),
            Piece::LineEnd => "\r\n".to_owned(),
        };
        let (head, body) = template.pieces.split_at(template.body);
        let body: String = body.iter().map(one).collect();
        let head: String = head.iter().map(one).collect();
        format!("{}{body}", head.replace("LENGTH", &body.len().to_string()))
    }

    /// A value of a field.
    fn sample(field: &Field, cseq: &str) -> String {
        let value = match field {
            Field::BodyLength(_) => "LENGTH",
            Field::CalleeUri | Field::NextUrl | Field::ContactUri => "sip:b@127.0.0.1:5070",
            Field::Routes => "Route: <sip:127.0.0.1;lr>",
            Field::PeerTagParam => ";tag=b",
            Field::Transport => "UDP",
            Field::Branch(_) => "z9hG4bK-1",
            Field::LocalIp | Field::MediaIp | Field::Domain => "127.0.0.1",
            Field::LocalIpType => "4",
            Field::LocalPort | Field::MediaPort(_) => "5060",
            Field::Last(last) => return sample_header(last, cseq),
            _ => "x",
        };
        value.to_owned()
    }

    /// A header of a message received.
    fn sample_header(last: &LastHeader, cseq: &str) -> String {
        let value = match last.name.as_str() {
            "Via" => "SIP/2.0/UDP 127.0.0.1:5061;branch=z9hG4bK-2",
            "From" => "<sip:a@127.0.0.1>;tag=a",
            "To" => "<sip:b@127.0.0.1>",
            "Record-Route" => "<sip:127.0.0.1;lr>",
            "Contact" => "<sip:a@127.0.0.1:5061>",
            "Call-ID" => "x",
            "CSeq" => cseq,
            "Expires" => "600",
            other => panic!("{other}"),
        };
        if last.whole_line { format!("{}: {value}", last.name) } else { value.to_owned() }
    }

    #[test]
    fn every_message_is_sip_and_its_body_is_as_long_as_it_says() {
        for (file, program) in programs() {
            for step in &program.steps {
                let Step::Send(send) = step else { continue };
                let text = composed(&send.template, "1 INVITE");
                let mut index = MessageIndex::default();
                viaduct::sip::parse(text.as_bytes(), &mut index)
                    .unwrap_or_else(|error| panic!("{file}: {error}:\n{text}"));
                let message = viaduct::sip::Message::new(text.as_bytes(), &index);
                let valid = match send.what {
                    What::Request(_) => message.validate_request(),
                    What::Response(_) => message.validate_response(),
                };
                valid.unwrap_or_else(|error| panic!("{file}: {error}:\n{text}"));
                let length = message.value(HeaderName::ContentLength).unwrap();
                assert_eq!(length, message.body().len().to_string().as_bytes(), "{file}");
                assert_eq!(message.end(), text.len(), "{file}");
                let is_late = matches!(send.what, What::Response(code) if code > 100);
                assert!(!is_late || text.contains(";tag="), "{file}");
            }
        }
    }

    #[test]
    fn requests_are_numbered_upwards_and_ack_and_cancel_repeat_the_number() {
        for (file, program) in programs() {
            let mut last = 0;
            for step in &program.steps {
                let Step::Send(send) = step else { continue };
                let What::Request(method) = &send.what else { continue };
                let head = composed(&send.template, "");
                let cseq = head.lines().find_map(|line| line.strip_prefix("CSeq: ")).unwrap();
                let (number, name) = cseq.split_once(' ').unwrap();
                let number: u32 = number.parse().unwrap();
                assert_eq!(name, method, "{file}");
                assert!(head.contains("\r\nMax-Forwards: 70\r\n"), "{file}");
                if method == "ACK" || method == "CANCEL" {
                    assert_eq!(number, last, "{file}: {method}");
                } else {
                    assert_eq!(number, last + 1, "{file}: {method}");
                }
                last = number;
            }
        }
    }

    #[test]
    fn all_but_an_ack_is_repeated_and_so_are_final_responses_to_an_invite() {
        for (file, program) in programs() {
            let mut invited = false;
            for step in &program.steps {
                match step {
                    Step::Receive(receive) => {
                        invited = matches!(&receive.expect, Expect::Request(m) if m == "INVITE");
                    }
                    Step::Send(send) => {
                        let repeated = send.retransmit_after.is_some();
                        match &send.what {
                            What::Request(method) => {
                                assert_eq!(repeated, method != "ACK", "{file}");
                            }
                            What::Response(code) if *code < 200 => assert!(!repeated, "{file}"),
                            What::Response(code) => {
                                assert!(repeated || !invited && *code == 200, "{file}: {code}");
                            }
                        }
                    }
                    _ => {}
                }
            }
        }
    }

    #[test]
    fn dialogs_follow_the_route_set() {
        for (file, program) in programs() {
            for step in &program.steps {
                let Step::Send(send) = step else { continue };
                let has = |field: Field| send.template.pieces.contains(&Piece::Field(field));
                assert_eq!(has(Field::NextUrl), has(Field::Routes), "{file}");
            }
        }
    }
}
