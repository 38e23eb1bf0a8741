//! Calls of functions and route blocks.

use std::net::Ipv6Addr;

use super::graph::route_name;
use super::{Checker, expression, title};
use crate::script::ast::{Call, Expression, ExpressionKind, RouteKind, Spanned, UnaryOperator};
use crate::script::checked::Node;
use crate::script::format::{Format, FormatStyle};
use crate::script::program::{Arguments, CallSite, Constant, Operand, Prepared};
use crate::script::registry::{FunctionSpec, ModuleSpec, ParameterKind, ParameterSpec};
use crate::script::scope::Fault;
use crate::script::{
    LogFacility, PatternFlags, Severity, Span, Substitution, Variable, compile_pattern, parse_int,
};

impl Checker<'_> {
    /// Checks a call.
    pub(super) fn call(&mut self, call: &Call, span: Span) -> Node {
        if call.name.node == "route" {
            return self.route_call(call, span).unwrap_or(NOTHING);
        }
        let Some(function) = self.function(call) else { return NOTHING };
        if !self.kinds.iter().any(|kind| function.routes.contains(*kind)) {
            let blocks: Vec<&str> = self.kinds.iter().map(|kind| kind_name(*kind)).collect();
            let message =
                format!("`{}` cannot be called from a {}", call.name.node, blocks.join(" or "));
            self.error("E0406", message, call.name.span);
        }
        if let (OPTIONAL_ROUTE, [name]) = (function.name, call.arguments.as_slice()) {
            return Node::RouteNamed { name: Box::new(self.calculated(name)), optional: true };
        }
        let mut arguments = Vec::with_capacity(call.arguments.len());
        let mut calculated = Vec::new();
        for (parameter, argument) in function.parameters.iter().zip(&call.arguments) {
            arguments.extend(match parameter.kind {
                kind if is_calculation(argument) && takes_calculation(kind) => {
                    self.calculation(kind, argument, &mut calculated)
                }
                _ => self.argument(function, parameter, argument),
            });
        }
        if arguments.len() < call.arguments.len() {
            return NOTHING;
        }
        let run = function.run;
        let count = u8::try_from(calculated.len()).unwrap_or(u8::MAX);
        let site =
            CallSite { name: function.name, run, arguments: Arguments::new(arguments, count) };
        Node::Call(site, calculated)
    }

    /// An argument that is calculated before the call.
    fn calculation(
        &mut self,
        kind: ParameterKind,
        argument: &Expression,
        calculated: &mut Vec<Node>,
    ) -> Option<Prepared> {
        let at = u8::try_from(calculated.len()).ok()?;
        calculated.push(self.expression(argument));
        Some(match kind {
            ParameterKind::Int => Prepared::CalculatedInt(at),
            _ => Prepared::CalculatedText(at),
        })
    }

    /// A name as an expression: bare words are texts.
    fn calculated(&mut self, argument: &Expression) -> Node {
        match literal(argument) {
            Some(text) if !matches!(argument.kind, ExpressionKind::Variable(_)) => {
                Node::Constant(Constant::Text(text.into()))
            }
            _ => self.expression(argument),
        }
    }

    /// What `route(name)` calls.
    fn route_call(&mut self, call: &Call, span: Span) -> Option<Node> {
        let [argument] = call.arguments.as_slice() else {
            self.error("E0404", "`route` takes one argument, the name of a block", span);
            return None;
        };
        let Some(name) = route_name(argument) else {
            let name = Box::new(self.expression(argument));
            return Some(Node::RouteNamed { name, optional: false });
        };
        self.find_route(RouteKind::Request, &name, argument.span).map(Node::Route)
    }

    /// The number of a route block that must exist.
    fn find_route(&mut self, kind: RouteKind, name: &str, span: Span) -> Option<u16> {
        if let Some(position) = self.graph.find(kind, name) {
            return u16::try_from(position).ok();
        }
        let routes = &self.ast.routes;
        let same_kind = routes.iter().filter(|route| route.kind == kind);
        let message = format!("there is no `{}[{name}]`", kind_name(kind));
        let meant = self.nearest(name, same_kind.map(|route| route.name.node.as_str()));
        if meant.is_some() {
            let written = Spanned { node: name.to_owned(), span };
            self.misspelt("E0407", message, &written, meant);
        } else {
            let other = routes.iter().find(|route| route.name.node == name);
            let help =
                other.map(|route| format!("there is `{}`, which is something else", title(route)));
            self.error_with_help("E0407", message, span, help);
        }
        None
    }

    /// The function that a call is of: name and number of arguments decide.
    fn function(&mut self, call: &Call) -> Option<&'static FunctionSpec> {
        let name = call.name.node.as_str();
        let named: Vec<(&ModuleSpec, &FunctionSpec)> = self
            .registry
            .functions()
            .filter(|(_, spec)| spec.name == name || spec.aliases.contains(&name))
            .collect();
        if named.is_empty() {
            self.unknown_function(call);
            return None;
        }
        let count = call.arguments.len();
        let takes = |spec: &FunctionSpec| {
            let required = spec.parameters.iter().filter(|parameter| !parameter.optional).count();
            (required..=spec.parameters.len()).contains(&count)
        };
        let fitting = named.iter().find(|(module, spec)| self.is_loaded(module) && takes(spec));
        let unloaded = named.iter().find(|(_, spec)| takes(spec)).or_else(|| named.first());
        if let (None, Some((module, _))) = (fitting, unloaded)
            && !self.is_loaded(module)
        {
            if self.is_first_use(module) {
                let message =
                    format!("`{name}` belongs to module `{}`, which is not loaded", module.name);
                let help = format!("add `loadmodule \"{}.so\"`", module.name);
                self.error_with_help("E0402", message, call.name.span, Some(help));
            }
            return None;
        }
        if fitting.is_none() {
            let forms: Vec<String> = named.iter().map(|(_, spec)| signature(spec)).collect();
            let message = format!("`{name}` does not take {}", counted(count));
            let help = format!("it is called as {}", forms.join(" or "));
            self.error_with_help("E0404", message, call.name.span, Some(help));
        }
        fitting.map(|(_, spec)| *spec)
    }

    /// The error of a name that no function has.
    fn unknown_function(&mut self, call: &Call) {
        let (name, span) = (call.name.node.as_str(), call.name.span);
        if let Some(module) = self.registry.lacks_function(name) {
            let message = format!("`{name}` of module `{}` is not supported yet", module.name);
            self.error("E0403", message, span);
            return;
        }
        let names = self
            .registry
            .functions()
            .flat_map(|(_, spec)| std::iter::once(spec.name).chain(spec.aliases.iter().copied()));
        let names = names.chain(["route", "if", "while", "switch", "return", "exit", "drop"]);
        let meant = self.nearest(name, names);
        self.misspelt("E0401", format!("there is no function `{name}`"), &call.name, meant);
    }

    /// Prepares an argument.
    fn argument(
        &mut self,
        function: &FunctionSpec,
        parameter: &ParameterSpec,
        argument: &Expression,
    ) -> Option<Prepared> {
        if is_calculation(argument) {
            let message = format!(
                "`{}` of `{}` must be {} as it is, and cannot be calculated",
                parameter.name,
                function.name,
                kind_text(parameter.kind)
            );
            self.error("E0405", message, argument.span);
            return None;
        }
        let prepared = match parameter.kind {
            ParameterKind::Int => self.int_argument(argument),
            ParameterKind::Flag => return self.flag(argument),
            ParameterKind::Text => self.text_argument(argument, FormatStyle::Dollar)?,
            ParameterKind::LogText => self.text_argument(argument, self.log_style())?.map(lazy),
            ParameterKind::Command => return self.command_argument(argument),
            ParameterKind::Variables => return self.variables_argument(argument),
            ParameterKind::LogLevel => literal(argument)
                .and_then(|text| log_level(&text))
                .or_else(|| self.int_argument(argument)),
            ParameterKind::LogFacility => literal(argument)
                .filter(|text| LogFacility::from_name(text).is_some())
                .map(|text| Prepared::Literal(text.into())),
            ParameterKind::Address => return self.address(argument),
            ParameterKind::Port => return self.port(argument),
            ParameterKind::Literal => literal(argument).map(|text| Prepared::Literal(text.into())),
            ParameterKind::Regex => return self.regex_argument(argument),
            ParameterKind::Substitution => return self.substitution(argument),
            ParameterKind::RouteName(kind) => return self.route_name(kind, argument),
            ParameterKind::Variable | ParameterKind::AnyVariable => match &argument.kind {
                ExpressionKind::Variable(text) | ExpressionKind::Text(text, _)
                    if text.first() == Some(&b'$') =>
                {
                    let variable = self.variable(text, argument.span)?;
                    let fits =
                        parameter.kind == ParameterKind::AnyVariable || variable.is_writable();
                    fits.then_some(Prepared::Variable(variable))
                }
                _ => None,
            },
        };
        if prepared.is_none() {
            let message = format!(
                "`{}` of `{}` must be {}",
                parameter.name,
                function.name,
                kind_text(parameter.kind)
            );
            self.error("E0405", message, argument.span);
        }
        prepared
    }

    /// How variables stand in log lines.
    const fn log_style(&self) -> FormatStyle {
        if self.has_percent { FormatStyle::Percent } else { FormatStyle::Dollar }
    }

    /// A command for the shell.
    fn command_argument(&mut self, argument: &Expression) -> Option<Prepared> {
        let Some(text) = literal(argument) else {
            self.error("E0405", "this must be a command for the shell", argument.span);
            return None;
        };
        let style = if self.has_percent { FormatStyle::Shell } else { FormatStyle::Command };
        match Format::parse(&text, style, &mut self.scope) {
            Ok(format) => {
                if format.is_one_variable() {
                    self.warn_of_one_word(argument.span);
                }
                Some(Prepared::Format(format))
            }
            Err(mut fault) => {
                let help = || "a `$` that is for the shell is written `$$`".to_owned();
                fault.help.get_or_insert_with(help);
                self.fault(fault, argument.span, quote(argument), text.len());
                None
            }
        }
    }

    /// A command that is nothing but a variable is one word to the shell, whatever it holds.
    fn warn_of_one_word(&mut self, place: Span) {
        let message = "the value of this variable is the name of a program, blanks and all";
        let diagnostic = self.report(Severity::Warning, "W0412", message.to_owned(), place);
        diagnostic.help = Some(
            "write the program here, and what varies as its arguments; or with `eval ` before the \
             variable, if nothing that comes from a message is in it"
                .to_owned(),
        );
    }

    /// Variables to write to, one behind the other.
    fn variables_argument(&mut self, argument: &Expression) -> Option<Prepared> {
        let text = literal(argument).unwrap_or_default();
        match self.variables(&text) {
            Ok(variables) => Some(Prepared::Variables(variables.into())),
            Err(fault) => {
                self.fault(fault, argument.span, quote(argument), text.len());
                None
            }
        }
    }

    /// Reads variables with `;`, `,` or blanks between them.
    fn variables(&mut self, text: &[u8]) -> Result<Vec<Variable>, Fault> {
        let is_between = |byte: &&u8| matches!(byte, b';' | b',' | b' ' | b'\t');
        let between = |at: usize| text[at..].iter().take_while(is_between).count();
        let misfit = |message, at| Fault::new("E0405", message, at);
        let mut variables = Vec::new();
        let mut at = between(0);
        while at < text.len() {
            if text[at] != b'$' {
                return Err(misfit("this must be a variable", at..text.len()));
            }
            let parsed = Variable::parse(&text[at..], &mut self.scope);
            let (variable, length) = parsed.map_err(|fault| fault.moved_by(at))?;
            if !variable.is_writable() {
                return Err(misfit("this variable cannot be assigned to", at..at + length));
            }
            variables.push(variable);
            at += length;
            at += between(at);
        }
        if variables.is_empty() {
            return Err(misfit("this must be a list of variables", 0..text.len()));
        }
        Ok(variables)
    }

    /// A number, a string that is one, or a variable.
    fn int_argument(&mut self, argument: &Expression) -> Option<Prepared> {
        match &argument.kind {
            ExpressionKind::Int(number) => Some(Prepared::Int(*number)),
            ExpressionKind::Word(word) => expression::number(word).map(Prepared::Int),
            ExpressionKind::Unary(UnaryOperator::Negate, inner) => match inner.kind {
                ExpressionKind::Int(number) => Some(Prepared::Int(-number)),
                _ => None,
            },
            ExpressionKind::Text(text, _) if number(text).is_some() => {
                number(text).map(Prepared::Int)
            }
            ExpressionKind::Text(text, _) | ExpressionKind::Variable(text)
                if text.contains(&b'$') =>
            {
                let format = Format::parse(text, FormatStyle::Dollar, &mut self.scope).ok()?;
                Some(Prepared::IntOf(format))
            }
            _ => None,
        }
    }

    /// A string with variables. `None` after an error, `Some(None)` if it is no string.
    #[expect(clippy::option_option, reason = "the caller has a better message than this")]
    fn text_argument(
        &mut self,
        argument: &Expression,
        style: FormatStyle,
    ) -> Option<Option<Prepared>> {
        let (text, quote) = match &argument.kind {
            ExpressionKind::Int(number) => (number.to_string().into_bytes(), 0),
            ExpressionKind::Text(text, _) => (text.clone(), 1),
            ExpressionKind::Variable(text) => (text.clone(), 0),
            ExpressionKind::Word(word) => {
                return Some(Some(Prepared::Literal(word.as_bytes().into())));
            }
            _ => return Some(None),
        };
        match Format::parse(&text, style, &mut self.scope) {
            Ok(format) => Some(Some(Prepared::text(format))),
            Err(fault) => {
                self.fault(fault, argument.span, quote, text.len());
                None
            }
        }
    }

    /// An address, a bare operand, or a string with variables. `uri:host` and `uri:port` can be
    /// nothing else in quotes either.
    fn address(&mut self, argument: &Expression) -> Option<Prepared> {
        let operand = match &argument.kind {
            ExpressionKind::Word(word) => expression::operand(word),
            ExpressionKind::Text(text, _) => match text.as_slice() {
                b"uri:host" => Some(Operand::UriHost),
                b"uri:port" => Some(Operand::UriPort),
                _ => None,
            },
            _ => None,
        };
        if let Some(operand) = operand {
            return Some(Prepared::Operand(operand));
        }
        let prepared = self.text_argument(argument, FormatStyle::Dollar)?;
        if prepared.is_none() {
            self.error("E0405", "this must be an address", argument.span);
        }
        let literal = literal(argument).unwrap_or_default();
        if let Some(part) = literal.split(|byte| *byte == b':').find(|it| is_mistyped_address(it)) {
            let message = format!("`{}` is no address", String::from_utf8_lossy(part));
            self.error("E0405", message, argument.span);
        }
        // With a port behind it an IPv6 address has brackets, so here too.
        match std::str::from_utf8(&literal).unwrap_or_default().parse::<Ipv6Addr>() {
            Ok(address) => Some(Prepared::Literal(format!("[{address}]").into_bytes().into())),
            Err(_) => prepared,
        }
    }

    /// A port, by its number or as an address.
    fn port(&mut self, argument: &Expression) -> Option<Prepared> {
        let number = literal(argument).and_then(|text| parse_int(&text));
        match number.map(u16::try_from) {
            None => self.address(argument),
            Some(Ok(port)) => Some(Prepared::Int(port.into())),
            Some(Err(_)) => {
                self.error("E0405", "ports have numbers from 0 to 65535", argument.span);
                None
            }
        }
    }

    /// A flag, by its number or its name.
    fn flag(&mut self, argument: &Expression) -> Option<Prepared> {
        let text = literal(argument)?;
        let text = String::from_utf8_lossy(&text).into_owned();
        let declared = self.ast.flags.iter().find(|(name, _)| name.node == text);
        let number =
            declared.map(|(_, number)| i64::from(*number)).or_else(|| parse_int(text.as_bytes()));
        match number {
            Some(number) if (0..32).contains(&number) => Some(Prepared::Int(number)),
            Some(_) => {
                self.error("E0416", "flags have numbers from 0 to 31", argument.span);
                None
            }
            None => {
                let names = self.ast.flags.iter().map(|(name, _)| name.node.as_str());
                let meant = self.nearest(&text, names);
                let message = format!("there is no flag `{text}`");
                let help = format!("declare it: `flags {text}:1;`");
                let written = Spanned { node: text, span: argument.span };
                if meant.is_some() {
                    self.misspelt("E0416", message, &written, meant);
                } else {
                    self.error_with_help("E0416", message, argument.span, Some(help));
                }
                None
            }
        }
    }

    /// A regular expression.
    fn regex_argument(&mut self, argument: &Expression) -> Option<Prepared> {
        let Some(pattern) = literal(argument) else {
            self.error("E0405", "this must be a regular expression in quotes", argument.span);
            return None;
        };
        match compile_pattern(&pattern, PatternFlags::TEXTOPS) {
            Ok(regex) => Some(Prepared::Regex(regex)),
            Err(reason) => {
                let message = format!("this is no regular expression: {reason}");
                self.error("E0421", message, argument.span);
                None
            }
        }
    }

    /// A substitution.
    fn substitution(&mut self, argument: &Expression) -> Option<Prepared> {
        let Some(text) = literal(argument) else {
            self.error("E0405", "this must be \"/regex/replacement/flags\"", argument.span);
            return None;
        };
        match Substitution::parse(&text, SUBSTITUTION, &mut self.scope) {
            Ok(substitution) => Some(Prepared::Substitution(substitution)),
            Err(reason) => {
                let message = format!("this is no substitution: {reason}");
                self.error("E0421", message, argument.span);
                None
            }
        }
    }

    /// The name of a route block.
    fn route_name(&mut self, kind: RouteKind, argument: &Expression) -> Option<Prepared> {
        let Some(name) = route_name(argument) else {
            self.error("E0405", "the name of a route block is fixed", argument.span);
            return None;
        };
        self.find_route(kind, &name, argument.span)?;
        Some(Prepared::Literal(name.as_bytes().into()))
    }
}

/// The function that becomes a call of a route block.
const OPTIONAL_ROUTE: &str = "route_if_exists";

/// Whether a text is no IPv4 address, but looks like one and can be nothing else.
fn is_mistyped_address(text: &[u8]) -> bool {
    text.contains(&b'.')
        && text.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
        && crate::sip::host_ip(text).is_none()
}

/// Whether an argument is something to be calculated.
fn is_calculation(argument: &Expression) -> bool {
    match &argument.kind {
        ExpressionKind::Binary(..) | ExpressionKind::Call(_) => true,
        ExpressionKind::Unary(_, inner) => !matches!(inner.kind, ExpressionKind::Int(_)),
        _ => false,
    }
}

/// Whether an argument for such a parameter may be calculated.
const fn takes_calculation(kind: ParameterKind) -> bool {
    use ParameterKind::{Address, Int, LogText, Port, Text};
    matches!(kind, Int | Text | LogText | Address | Port)
}

/// How substitutions match unless their own flags say otherwise.
const SUBSTITUTION: PatternFlags = PatternFlags { ignore_case: false, newline_sensitive: true };

/// What stands for a faulty call.
const NOTHING: Node = Node::Constant(Constant::Null);

/// The text of an argument that is taken as it is.
fn literal(argument: &Expression) -> Option<Vec<u8>> {
    match &argument.kind {
        ExpressionKind::Int(number) => Some(number.to_string().into_bytes()),
        ExpressionKind::Text(text, _) | ExpressionKind::Variable(text) => Some(text.clone()),
        ExpressionKind::Word(word) => Some(word.clone().into_bytes()),
        ExpressionKind::Unary(UnaryOperator::Negate, inner) => match inner.kind {
            ExpressionKind::Int(number) => Some((-number).to_string().into_bytes()),
            _ => None,
        },
        ExpressionKind::Binary(..) | ExpressionKind::Call(_) | ExpressionKind::Unary(..) => None,
    }
}

/// Bytes of the quotation mark before an argument.
const fn quote(argument: &Expression) -> u32 {
    matches!(argument.kind, ExpressionKind::Text(..)) as u32
}

/// Leaves it to the function to put the text together.
fn lazy(prepared: Prepared) -> Prepared {
    match prepared {
        Prepared::Literal(text) => Prepared::Format(Format::literal(&text)),
        Prepared::Text(format) => Prepared::Format(format),
        other => other,
    }
}

/// The number of a log level.
fn log_level(text: &[u8]) -> Option<Prepared> {
    let name = text.strip_prefix(b"L_").unwrap_or(text);
    let number = match name {
        b"ALERT" => -5,
        b"BUG" => -4,
        b"CRIT2" => -3,
        // One step higher than its number, as in Kamailio.
        b"CRIT" => -3,
        b"ERR" | b"ERROR" => -1,
        b"WARN" | b"WARNING" => 0,
        b"NOTICE" => 1,
        b"INFO" => 2,
        b"DBG" | b"DEBUG" => 3,
        digits => parse_int(digits)?,
    };
    Some(Prepared::Int(number))
}

/// How people call a kind of route block.
const fn kind_name(kind: RouteKind) -> &'static str {
    match kind {
        RouteKind::Request => "route",
        RouteKind::Reply => "onreply_route",
        RouteKind::Failure => "failure_route",
        RouteKind::Branch => "branch_route",
        RouteKind::OnSend => "onsend_route",
        RouteKind::Event => "event_route",
        RouteKind::Other => "block of this kind",
    }
}

/// What an argument must be, for people.
const fn kind_text(kind: ParameterKind) -> &'static str {
    match kind {
        ParameterKind::Int => "a number",
        ParameterKind::Flag => "a flag",
        ParameterKind::LogLevel => "a log level such as L_ERR",
        ParameterKind::LogFacility => "a facility such as LOG_LOCAL0",
        ParameterKind::Variable => "a variable that can be assigned to",
        ParameterKind::AnyVariable => "a variable",
        ParameterKind::RouteName(_) => "the name of a route block",
        _ => "a string",
    }
}

/// How a function is called.
fn signature(spec: &FunctionSpec) -> String {
    let parameters: Vec<String> = spec
        .parameters
        .iter()
        .map(|parameter| match parameter.optional {
            true => format!("[{}]", parameter.name),
            false => parameter.name.to_owned(),
        })
        .collect();
    format!("`{}({})`", spec.name, parameters.join(", "))
}

/// A number of arguments, for people.
fn counted(count: usize) -> String {
    match count {
        0 => "no arguments".to_owned(),
        1 => "1 argument".to_owned(),
        count => format!("{count} arguments"),
    }
}

/// The number that a string is, decimal or, with `0x`, hexadecimal: `save("location", "0x04")`.
fn number(text: &[u8]) -> Option<i64> {
    match text {
        [b'0', b'x' | b'X', digits @ ..] => {
            i64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
        }
        _ => parse_int(text),
    }
}
