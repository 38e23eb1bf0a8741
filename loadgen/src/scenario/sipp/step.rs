//! Elements that are steps.

use super::element::{Element, Value};
use super::reader::{JumpKind, Reader};
use crate::scenario::{
    Action, Distribution, Expect, Missing, Nop, Optional, Pause, Receive, Send, Step, Template,
};

impl<'a> Reader<'a> {
    /// Reads an element of the scenario.
    pub(super) fn element(&mut self, mut element: Element<'a>) {
        match element.name {
            "send" => self.send(&mut element),
            "recv" => self.receive(&mut element),
            "pause" | "timewait" => self.pause(&mut element),
            "nop" => self.nop(&mut element),
            "label" => self.label(&mut element),
            // Histograms are always complete, and variables that are not used do no harm.
            "ResponseTimeRepartition" | "CallLengthRepartition" | "Reference" => {}
            "sendCmd" | "recvCmd" => {
                let message = format!("element <{}> (3PCC) is not supported", element.name);
                self.problem(element.range.start, message);
            }
            _ => self.refuse_element(&element),
        }
    }

    /// Reads `<send>`.
    fn send(&mut self, element: &mut Element<'a>) {
        self.check_optional(element);
        let chain = self.chain(element);
        let retransmit_after = self.milliseconds(element, "retrans");
        let lost = self.lost(element);
        let actions = self.actions(element);
        self.finish_element(element);
        let Some(cdata) = element.cdata(self.source) else {
            return self.problem(element.range.start, "<send> needs a message in <![CDATA[ ]]>");
        };
        let template = Template::parse(cdata.text, cdata.at, &mut self.names);
        let Some(template) = self.template(template) else { return };
        let Some(what) = template.what() else {
            let blank = cdata.text.len() - cdata.text.trim_start().len();
            let message = "a message must begin with a method, or with SIP/2.0 and a code";
            return self.problem(cdata.at + blank, message);
        };
        let retransmit_after = retransmit_after.filter(|time| !time.is_zero());
        let send = Send { template, what, retransmit_after, lost, actions, chain };
        self.steps.push(Step::Send(send));
    }

    /// Reads `<recv>`.
    fn receive(&mut self, element: &mut Element<'a>) {
        let chain = self.chain(element);
        let expect = self.expect(element);
        let optional = match element.take("optional").map(|value| (value.text, value.at)) {
            None | Some(("false", _)) => Optional::No,
            Some(("true", _)) => Optional::Yes,
            Some(("global", _)) => Optional::Global,
            Some((_, at)) => {
                self.problem(at, "optional= must be \"true\", \"false\" or \"global\"");
                Optional::No
            }
        };
        let keep_routes = self.flag(element, "rrs");
        let timeout = self.milliseconds(element, "timeout").filter(|time| !time.is_zero());
        if self.jump(element, "ontimeout", JumpKind::Timeout) && timeout.is_none() {
            self.problem(element.range.start, "ontimeout= needs timeout=");
        }
        let lost = self.lost(element);
        let actions = self.actions(element);
        self.finish_element(element);
        let Some(expect) = expect else { return };
        let timeout = timeout.map(|time| (time, None));
        let receive = Receive { expect, optional, keep_routes, timeout, lost, actions, chain };
        self.steps.push(Step::Receive(receive));
    }

    /// What a `<recv>` waits for.
    fn expect(&mut self, element: &mut Element<'a>) -> Option<Expect> {
        let by_regex = self.flag(element, "regexp_match");
        match (element.take("request"), element.take("response")) {
            (Some(request), None) if by_regex => self.regex(request).map(Expect::RequestMatching),
            (None, Some(response)) if by_regex => {
                self.regex(response).map(Expect::ResponseMatching)
            }
            (Some(request), None) => Some(Expect::Request(request.text.to_owned())),
            (None, Some(response)) => self.status(response).map(Expect::Response),
            _ => {
                let message = "<recv> needs either request= or response=";
                self.problem(element.range.start, message);
                None
            }
        }
    }

    /// Reads a status code.
    fn status(&mut self, value: Value<'a>) -> Option<u16> {
        let code = value.text.trim().parse().ok().filter(|code| (100..700).contains(code));
        if code.is_none() {
            let message = format!("response= must be a code from 100 to 699, not {}", value.text);
            self.problem(value.at, message);
        }
        code
    }

    /// Reads `<pause>` and `<timewait>`.
    fn pause(&mut self, element: &mut Element<'a>) {
        self.check_optional(element);
        let chain = self.chain(element);
        let length = self.distribution(element);
        for child in element.children() {
            self.refuse_element(&child);
        }
        self.finish_element(element);
        self.steps.push(Step::Pause(Pause { length, chain }));
    }

    /// How long a pause lasts.
    fn distribution(&mut self, element: &mut Element<'a>) -> Missing<Distribution> {
        let name = element.take("distribution");
        let value = match name.map(|name| name.text) {
            None if element.take("milliseconds").is_some() => {
                self.span(element, "milliseconds").map(Distribution::Fixed)
            }
            None if element.take("min").is_none() && element.take("max").is_none() => {
                return Missing::Hold;
            }
            None | Some("uniform") => {
                let bounds = self.span(element, "min").zip(self.span(element, "max"));
                bounds.map(|(min, max)| Distribution::Uniform(min.min(max), max.max(min)))
            }
            Some("fixed") => self.span(element, "value").map(Distribution::Fixed),
            Some("normal") => {
                let shape = self.span(element, "mean").zip(self.span(element, "stdev"));
                shape.map(|(mean, deviation)| Distribution::Normal(mean, deviation))
            }
            Some("exponential") => self.span(element, "mean").map(Distribution::Exponential),
            Some(other) => {
                let at = name.map_or(element.range.start, |name| name.at);
                self.problem(at, format!("distribution \"{other}\" is not supported"));
                element.take_all();
                None
            }
        };
        value.map_or(Missing::Hold, Missing::Given)
    }

    /// Takes an attribute that must be a time in milliseconds.
    fn span(&mut self, element: &mut Element<'a>, name: &'a str) -> Option<f64> {
        self.required(element, name)?;
        self.positive(element, name, f64::INFINITY)
    }

    /// Reads `<nop>`.
    fn nop(&mut self, element: &mut Element<'a>) {
        self.check_optional(element);
        let chain = self.chain(element);
        let actions = self.actions(element);
        self.finish_element(element);
        self.steps.push(Step::Nop(Nop { actions, chain }));
    }

    /// Reads the `<action>` elements in a step.
    fn actions(&mut self, element: &Element<'a>) -> Vec<Action> {
        let mut actions = Vec::new();
        for child in element.children() {
            if child.name == "action" {
                self.finish_element(&child);
                actions.extend(child.children().filter_map(|action| self.action(action)));
            } else {
                self.refuse_element(&child);
            }
        }
        actions
    }

    /// Checks that messages which may not come are followed by one that must.
    fn check_optional(&mut self, element: &Element<'a>) {
        let Some(Step::Receive(last)) = self.steps.last() else { return };
        if last.optional != Optional::No {
            let message = format!(
                "the <recv> before this <{}> is optional; the last of several must not be",
                element.name
            );
            self.problem(element.range.start, message);
        }
    }
}
