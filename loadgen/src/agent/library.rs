//! What all calls of an agent have in common: programs with their messages made ready, addresses,
//! users.

use std::hash::BuildHasher;
use std::net::SocketAddr;

use hashbrown::DefaultHashBuilder;

use super::Setup;
use super::call::Call;
use super::form::{Form, address_port, decimal, ip};
use crate::moment::Moment;
use crate::outbox::SocketId;
use crate::scenario::{Action, Field, Program, Role, Step, What};
use crate::users::Users;

/// What all calls of an agent have in common.
#[derive(Debug)]
pub(super) struct Library {
    setup: Setup,
    /// For each program, for each step.
    steps: Vec<Vec<Ready>>,
    process: String,
    domain: Vec<u8>,
    callee_addresses: Vec<Vec<u8>>,
    hasher: DefaultHashBuilder,
    /// The sum of the callers' weights.
    weights: u32,
}

/// A step made ready.
#[derive(Debug, Default)]
pub(super) struct Ready {
    /// Its message, if it sends one.
    pub(super) form: Form,
    /// Texts of its actions, in the order of the actions; empty for those that have none.
    pub(super) action_forms: Vec<Form>,
    /// Whether the last message is needed later if the call waits here.
    pub(super) keeps_last: bool,
}

impl Library {
    /// Makes the programs of `setup` ready.
    pub(super) fn new(setup: Setup) -> Self {
        let domain = match (&setup.users.domain, setup.target) {
            (Some(domain), _) => domain.clone().into_bytes(),
            (None, Some(target)) => text_of(target),
            (None, None) => b"localhost".to_vec(),
        };
        let mut library = Self {
            steps: Vec::new(),
            process: setup.process.to_string(),
            domain,
            callee_addresses: setup.callee_addresses.iter().map(|to| text_of(*to)).collect(),
            hasher: DefaultHashBuilder::default(),
            weights: setup.cast.callers.iter().map(|caller| caller.weight).sum(),
            setup,
        };
        library.steps = library
            .setup
            .cast
            .programs
            .iter()
            .enumerate()
            .map(|(id, program)| ready(program, id, &library))
            .collect();
        library
    }

    /// What was set up.
    pub(super) const fn setup(&self) -> &Setup {
        &self.setup
    }

    /// A program.
    pub(super) fn program(&self, program: usize) -> &Program {
        &self.setup.cast.programs[program]
    }

    /// A step made ready.
    pub(super) fn ready(&self, program: usize, step: usize) -> Option<&Ready> {
        self.steps[program].get(step)
    }

    /// Positions in the interval of a program's marks.
    pub(super) fn marks(&self, program: usize) -> &[usize] {
        &self.setup.cast.marks[program]
    }

    /// The program for a new call, by weight.
    pub(super) fn choose(&self, rng: &mut fastrand::Rng) -> Option<usize> {
        let callers = &self.setup.cast.callers;
        if let [only] = callers[..] {
            return Some(only.program);
        }
        let mut drawn = rng.u32(..self.weights.max(1));
        let chosen = callers.iter().find(|caller| {
            let hit = drawn < caller.weight;
            drawn = drawn.wrapping_sub(caller.weight);
            hit
        });
        chosen.map(|caller| caller.program)
    }

    /// Marks of a program whose clock does not start with the call; bit n is mark n.
    pub(super) fn started_later(&self, program: usize) -> u32 {
        let steps = self.program(program).steps.iter();
        steps.map(|step| step.chain().start_marks).fold(0, |all, marks| all | marks)
    }

    /// Whether a program answers that a request was cancelled.
    pub(super) fn cancels(&self, program: usize) -> bool {
        let answers = |step: &Step| match step {
            Step::Send(send) => send.what == What::Response(487),
            _ => false,
        };
        self.program(program).steps.iter().any(answers)
    }

    /// Whether a program begins with REGISTER: its caller walks over all users.
    pub(super) fn registers(&self, program: usize) -> bool {
        let sends = |step: &Step| match step {
            Step::Send(send) => Some(send.what == What::Request("REGISTER".to_owned())),
            _ => None,
        };
        self.program(program).steps.iter().find_map(sends).unwrap_or(false)
    }

    /// A hash of this agent's own.
    pub(super) fn hash(&self, bytes: &[u8]) -> u64 {
        self.hasher.hash_one(bytes)
    }

    /// The key of a call: callers and callees of one Call-ID may both be here.
    pub(super) fn key(&self, call_id: &[u8], is_caller: bool) -> u64 {
        self.hash(call_id) ^ u64::from(is_caller)
    }

    /// Whether a socket is one of the callers'.
    pub(super) fn is_caller_socket(&self, socket: SocketId) -> bool {
        self.setup.caller_sockets.contains(&socket)
    }

    /// The address of a socket.
    pub(super) fn socket(&self, socket: SocketId) -> SocketAddr {
        self.setup.sockets[usize::from(socket.0)]
    }

    /// The users of the run.
    pub(super) fn users(&self) -> &Users {
        &self.setup.users
    }

    /// The user part where there are no users.
    pub(super) fn service(&self) -> &[u8] {
        self.setup.service.as_bytes()
    }

    /// The number in branches and Call-IDs.
    pub(super) fn process(&self) -> &[u8] {
        self.process.as_bytes()
    }

    /// Appends a branch (RFC 3261 §8.1.1.7), unique in all runs of a while.
    pub(super) fn branch(&self, call: &Call, counter: u32, out: &mut Vec<u8>) {
        out.extend_from_slice(b"z9hG4bK-");
        out.extend_from_slice(self.process.as_bytes());
        out.push(if call.is_caller { b'-' } else { b's' });
        decimal(out, call.number);
        out.push(b'-');
        decimal(out, counter.into());
    }

    /// The domain of the users.
    pub(super) fn domain(&self) -> &[u8] {
        &self.domain
    }

    /// Where a callee of the run is reached.
    pub(super) fn callee_address(&self, number: u64) -> Option<&[u8]> {
        let count = self.callee_addresses.len() as u64;
        let index = usize::try_from(number.checked_rem(count)?).unwrap_or_default();
        self.callee_addresses.get(index).map(Vec::as_slice)
    }

    /// A field of an injection file.
    pub(super) fn injected(&self, file: usize, line: u32, column: usize) -> Option<&str> {
        let lines = &self.setup.injected.get(file)?.lines;
        Some(lines.get(line as usize)?.get(column)?.as_str())
    }

    /// The time for people.
    pub(super) fn wall(&self, now: Moment) -> String {
        let nanos = i64::try_from(now.nanos()).unwrap_or(i64::MAX);
        let span = jiff::SignedDuration::from_nanos(nanos);
        self.setup.wall_start.saturating_add(span).unwrap_or(self.setup.wall_start).to_string()
    }

    /// The value of a field that is the same in all calls of a program.
    pub(super) fn constant(&self, field: &Field, program: usize) -> Option<Vec<u8>> {
        let setup = &self.setup;
        let is_callee = self.program(program).role == Role::Callee;
        let own =
            if is_callee { setup.callee_socket } else { setup.caller_sockets.first().copied() };
        let own = own.map(|socket| self.socket(socket));
        let mut out = Vec::new();
        match field {
            Field::Service => out.extend_from_slice(setup.service.as_bytes()),
            Field::Transport => out.extend_from_slice(b"UDP"),
            Field::ProcessId => out.extend_from_slice(self.process.as_bytes()),
            Field::Program => out.extend_from_slice(self.program(program).name.as_bytes()),
            Field::Domain => out.extend_from_slice(&self.domain),
            // Without brackets: it stands in SDP (RFC 8866 §9).
            Field::MediaIp => out.extend_from_slice(setup.media_ip.to_string().as_bytes()),
            Field::LocalIpType => out.push(if setup.media_ip.is_ipv4() { b'4' } else { b'6' }),
            Field::LocalIp => ip(&mut out, own?.ip()),
            Field::LocalPort if is_callee || setup.caller_sockets.len() == 1 => {
                out.extend_from_slice(own?.port().to_string().as_bytes());
            }
            Field::RemoteIp if !is_callee => ip(&mut out, setup.target?.ip()),
            Field::RemotePort if !is_callee => {
                out.extend_from_slice(setup.target?.port().to_string().as_bytes());
            }
            _ => return None,
        }
        Some(out)
    }
}

/// Makes the steps of a program ready.
fn ready(program: &Program, id: usize, library: &Library) -> Vec<Ready> {
    let mut steps: Vec<Ready> = program
        .steps
        .iter()
        .map(|step| {
            let (template, actions) = match step {
                Step::Send(send) => (Some(&send.template), send.actions.as_slice()),
                Step::Receive(receive) => (None, receive.actions.as_slice()),
                Step::Nop(nop) => (None, nop.actions.as_slice()),
                Step::Pause(_) => (None, [].as_slice()),
            };
            let form = |template| Form::new(template, library, id);
            Ready {
                form: template.map(form).unwrap_or_default(),
                action_forms: actions
                    .iter()
                    .map(|action| action.template().map(form).unwrap_or_default())
                    .collect(),
                keeps_last: false,
            }
        })
        .collect();
    for start in 0..steps.len() {
        steps[start].keeps_last = needs_last(program, &steps, start);
    }
    steps
}

/// Whether a step that is reached from `start` without receiving a message needs the last one.
fn needs_last(program: &Program, steps: &[Ready], start: usize) -> bool {
    let mut seen = vec![false; steps.len()];
    let mut open = vec![start];
    while let Some(at) = open.pop() {
        let Some(step) = program.steps.get(at) else { continue };
        if std::mem::replace(&mut seen[at], true) {
            continue;
        }
        if let Step::Receive(receive) = step {
            open.extend(receive.timeout.and_then(|(_, next)| next));
            continue;
        }
        let texts = &steps[at].action_forms;
        let actions = match step {
            Step::Send(send) => send.actions.as_slice(),
            Step::Nop(nop) => nop.actions.as_slice(),
            _ => &[],
        };
        let searches = actions.iter().any(Action::searches_message);
        if steps[at].form.uses_last || searches || texts.iter().any(|form| form.uses_last) {
            return true;
        }
        if actions.iter().any(|action| matches!(action, Action::Jump(_))) {
            return true;
        }
        open.push(at + 1);
        open.extend(step.chain().next);
    }
    false
}

/// An address and port as text.
fn text_of(address: SocketAddr) -> Vec<u8> {
    let mut text = Vec::new();
    address_port(&mut text, address);
    text
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::scenario::builtin;

    #[test]
    fn an_ipv6_address_has_brackets_in_a_uri_and_none_in_sdp() {
        let cast = Arc::new(builtin::cast("call").unwrap());
        let target: SocketAddr = "[::1]:5060".parse().unwrap();
        let setup = Setup {
            target: Some(target),
            sockets: vec![target],
            caller_sockets: vec![SocketId(0)],
            ..Setup::new(cast, target.ip())
        };
        let library = Library::new(setup);
        let constant = |field| String::from_utf8(library.constant(&field, 0).unwrap()).unwrap();
        assert_eq!(constant(Field::RemoteIp), "[::1]");
        assert_eq!(constant(Field::LocalIp), "[::1]");
        assert_eq!(constant(Field::MediaIp), "::1");
        assert_eq!(constant(Field::LocalIpType), "6");
    }
}
