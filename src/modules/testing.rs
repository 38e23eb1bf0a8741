//! One message and one run, for tests of script functions: functions are called by their names
//! in the table, with arguments made as their parameters say.

use std::any::{Any, TypeId};
use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;

use bumpalo::Bump;

use super::REGISTRY;
use crate::mem::ListenerId;
use crate::metrics::Counter;
use crate::protocol::{Endpoint, Transport};
use crate::script::{
    Argument, Execution, Host, LogLevel, NextHop, ParameterKind, PatternFlags, Program, Refusal,
    ReturnCode, Settings, Substitution, Transit, compile_pattern,
};
use crate::sip::rewrite::EditList;
use crate::sip::{Message, MessageIndex, parse};
use crate::time::Now;

/// Replies: code, reason, header lines.
type Replies = Rc<RefCell<Vec<(u16, String, String)>>>;

/// A proxy that notes what it is asked to do.
#[derive(Debug, Default)]
struct FakeHost {
    /// What was sent.
    replies: Replies,
    /// State of the random numbers.
    random: Cell<u64>,
}

impl Host for FakeHost {
    fn now(&self) -> Now {
        Now { monotonic_ms: 5_000, wall_seconds: 1_289_690_940, ..Now::default() }
    }

    fn forward(&mut self, _: &mut Transit<'_>, _: NextHop<'_>) -> Result<(), Refusal> {
        Ok(())
    }

    fn reply(
        &mut self,
        _: &mut Transit<'_>,
        code: u16,
        reason: &[u8],
        headers: &[u8],
    ) -> Result<(), Refusal> {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        self.replies.borrow_mut().push((code, text(reason), text(headers)));
        Ok(())
    }

    fn is_myself(&self, host: &[u8], port: Option<u16>) -> bool {
        host == b"192.0.2.1" && port.is_none_or(|port| port == 5060)
    }

    fn listener_endpoint(&self, _: ListenerId) -> Endpoint {
        let address = SocketAddr::from(([192, 0, 2, 1], 5060));
        Endpoint { transport: Transport::Udp, address }
    }

    fn sent_by(&mut self, _: ListenerId) -> &[u8] {
        b"192.0.2.1"
    }

    fn find_listener(
        &self,
        transport: Option<Transport>,
        _: &[u8],
        _: Option<u16>,
    ) -> Option<ListenerId> {
        (transport != Some(Transport::Tcp)).then_some(ListenerId(0))
    }

    fn logs(&self, _: LogLevel) -> bool {
        true
    }

    fn log(&mut self, _: LogLevel, _: &[u8]) {}

    fn count(&mut self, _: Counter) {}

    fn random(&self) -> u64 {
        self.random.set(self.random.get().wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
        self.random.get()
    }

    fn service(&self, _: TypeId) -> Option<&(dyn Any + Send + Sync)> {
        None
    }
}

/// Runs `test` over a message; its lines are separated by LF in `text` and by CRLF in the message.
pub(super) fn over(text: &str, test: impl FnOnce(&mut Trial<'_>)) {
    let bytes = text.replace('\n', "\r\n").into_bytes();
    let mut index = MessageIndex::default();
    parse(&bytes, &mut index).unwrap();
    let message = Message::new(&bytes, &index);
    let arena = Bump::new();
    let mut host = FakeHost::default();
    let program = Program::empty(Settings::default());
    let replies = host.replies.clone();
    let ways = [([192, 0, 2, 9], 5060), ([192, 0, 2, 1], 5060)].map(SocketAddr::from);
    let mut edits = EditList::default();
    let transit = Transit::new(message, (&ways[0], &ways[1]), ListenerId(0), (&arena, &mut edits));
    let execution = Execution::new(transit, &mut host, &program);
    test(&mut Trial { execution, replies });
}

/// A run in which single functions are called.
pub(super) struct Trial<'m> {
    /// The run.
    pub(super) execution: Execution<'m>,
    replies: Replies,
}

impl Trial<'_> {
    /// Calls a function with arguments as a script writes them.
    pub(super) fn run(&mut self, name: &str, arguments: &[&str]) -> ReturnCode {
        let (_, function) = REGISTRY
            .functions()
            .find(|(_, spec)| spec.name == name || spec.aliases.contains(&name))
            .unwrap_or_else(|| panic!("{name} is not in the table"));
        let required = function.parameters.iter().filter(|spec| !spec.optional).count();
        let fits = (required..=function.parameters.len()).contains(&arguments.len());
        assert!(fits, "{name} takes other arguments");
        let arguments: Vec<Argument<'_>> = arguments
            .iter()
            .zip(function.parameters)
            .map(|(text, parameter)| self.argument(text, parameter.kind))
            .collect();
        (function.run)(&mut self.execution, &arguments)
    }

    /// The replies made so far: code, reason, header lines.
    pub(super) fn replies(&self) -> Vec<(u16, String, String)> {
        self.replies.borrow().clone()
    }

    /// The message as it would leave.
    pub(super) fn sent(&self) -> String {
        let transit = &self.execution.transit;
        let mut out = Vec::new();
        transit.edits.write_to(transit.message.text(), &mut out);
        String::from_utf8(out).unwrap()
    }
}

impl<'m> Trial<'m> {
    /// The argument that `text` is for a parameter of that kind.
    fn argument(&self, text: &str, kind: ParameterKind) -> Argument<'m> {
        let text = text.as_bytes();
        let exact = PatternFlags { ignore_case: false, newline_sensitive: true };
        match kind {
            ParameterKind::Int | ParameterKind::Flag => {
                Argument::Int(std::str::from_utf8(text).unwrap().parse().unwrap())
            }
            ParameterKind::Regex => {
                let regex = compile_pattern(text, PatternFlags::TEXTOPS).unwrap();
                Argument::Regex(Box::leak(Box::new(regex)))
            }
            ParameterKind::Substitution => {
                let substitution = Substitution::parse_plain(text, exact).unwrap();
                Argument::Substitution(Box::leak(Box::new(substitution)))
            }
            _ => Argument::Text(self.execution.transit.arena.alloc_slice_copy(text)),
        }
    }
}
