//! Global parameters: from `name = value` lines to [`Settings`].

mod connections;
mod dialect;
mod listen;
mod names;
mod table;

use table::{Effect, GLOBALS, Kind, Parameter};

use super::ast::{Ast, Global, GlobalValue, Spanned};
use super::diagnostic::Diagnostic;
use super::hosts::HostTable;
use super::reference::GlobalEntry;
use super::spelling::nearest;
use super::{LogFacility, Reader, Settings, Span};
use crate::limits::WORKER_COUNT_MAX;
use crate::protocol::Transport;

/// What the global parameters of a script say. Wrong ones are reported and keep their default.
pub(super) fn settings(
    ast: &Ast,
    reader: &dyn Reader,
    diagnostics: &mut Vec<Diagnostic>,
) -> Settings {
    let mut builder = Builder {
        settings: Settings::default(),
        reader,
        diagnostics,
        listeners: Vec::new(),
        line_start: 0,
    };
    builder.settings.hosts = HostTable::of(ast, reader);
    builder.settings.dialect = dialect::dialect_of(ast, builder.diagnostics);
    for global in &ast.globals {
        builder.global(global);
    }
    builder.finish()
}

/// Whether a global parameter takes several values.
pub(super) fn is_list(name: &str) -> bool {
    find(name).is_some_and(|parameter| matches!(parameter.kind, Kind::Listen | Kind::List))
}

/// Whether there is a global parameter of that name.
pub(super) fn is_known(name: &str) -> bool {
    find(name).is_some()
}

/// All global parameters, for people.
pub(super) fn all() -> impl Iterator<Item = GlobalEntry> {
    GLOBALS.iter().map(|parameter| {
        let value = match parameter.kind {
            Kind::Any => "anything",
            Kind::Bool => "yes or no",
            Kind::Int => "number",
            Kind::List => "names",
            Kind::Listen => "address",
            Kind::Text => "text",
        };
        let (doc, effective) = match parameter.effect {
            Effect::None(why) | Effect::Missing(why) => (why, false),
            Effect::Some => (parameter.doc, true),
        };
        GlobalEntry { name: parameter.name, value, doc, effective }
    })
}

/// The reason why a global parameter has no effect, if it has none; nothing if there is none of
/// that name.
#[expect(clippy::option_option, reason = "no such parameter, one with effect, one without")]
pub(super) fn idle(name: &str) -> Option<Option<&'static str>> {
    find(name).map(|parameter| match parameter.effect {
        Effect::None(why) | Effect::Missing(why) => Some(why),
        Effect::Some => None,
    })
}

/// The global parameter of that name.
fn find(name: &str) -> Option<&'static Parameter> {
    GLOBALS.iter().find(|parameter| parameter.name.eq_ignore_ascii_case(name))
}

/// Settings in the making.
struct Builder<'d> {
    settings: Settings,
    reader: &'d dyn Reader,
    diagnostics: &'d mut Vec<Diagnostic>,
    /// Listen addresses; those without port or transport get it by lines that may come later.
    listeners: Vec<listen::Listener>,
    /// The first of them that the words behind it are about.
    line_start: usize,
}

impl Builder<'_> {
    /// Reads one line.
    fn global(&mut self, global: &Global) {
        let name = global.name.node.as_str();
        let Some(parameter) = find(name) else {
            if !name.contains('.') {
                self.unknown(&global.name);
            }
            return;
        };
        let Some(first) = global.values.first() else { return };
        match parameter.kind {
            Kind::Listen => self.listen(parameter, global),
            Kind::List => self.list(parameter, global),
            _ => {
                if let Some(more) = global.values.get(1) {
                    self.diagnostics.push(
                        Diagnostic::error("E0302", more.span, "this is one value too many")
                            .help(format!("`{name}` has one value")),
                    );
                } else if self.has_kind(parameter, first) {
                    self.set(parameter, first);
                }
            }
        }
        let says_more =
            !matches!(&first.node, GlobalValue::Int(0)) && flag(&first.node) != Some(false);
        match parameter.effect {
            Effect::Missing(why) if says_more => {
                let message = format!("`{name}` is not heeded here: {why}");
                self.diagnostics.push(Diagnostic::warning("W0303", global.name.span, message));
            }
            Effect::None(why) | Effect::Missing(why) => {
                let message = format!("`{name}` has no effect here: {why}");
                self.diagnostics.push(Diagnostic::note("N0302", global.name.span, message));
            }
            Effect::Some => {}
        }
    }

    /// Reports a name that is not known.
    fn unknown(&mut self, name: &Spanned<String>) {
        let message = format!("there is no global parameter `{}`", name.node);
        let known = nearest(&name.node, GLOBALS.iter().map(|parameter| parameter.name));
        self.diagnostics.push(Diagnostic::error("E0301", name.span, message).suggest(known));
    }

    /// Whether the value has the type of the parameter; if not, this is reported.
    fn has_kind(&mut self, parameter: &Parameter, value: &Spanned<GlobalValue>) -> bool {
        let (fits, wanted) = match parameter.kind {
            Kind::Bool => (flag(&value.node).is_some(), "`yes` or `no`"),
            // Some numbers of Kamailio may be given as `yes`, which is 1.
            Kind::Int if parameter.effect != Effect::Some => {
                (flag(&value.node).is_some(), "a number")
            }
            Kind::Int => (matches!(value.node, GlobalValue::Int(_)), "a number"),
            Kind::Text => (!matches!(value.node, GlobalValue::Int(_)), "a string"),
            Kind::Any | Kind::List | Kind::Listen => (true, ""),
        };
        if !fits {
            let message = format!("`{}` must be {wanted}", parameter.name);
            let diagnostic = Diagnostic::error("E0302", value.span, message);
            self.diagnostics.push(match parameter.doc {
                "" => diagnostic,
                doc => diagnostic.help(doc),
            });
        }
        fits
    }

    /// Takes over a single value.
    fn set(&mut self, parameter: &Parameter, value: &Spanned<GlobalValue>) {
        let number = match value.node {
            GlobalValue::Int(number) => number,
            _ => i64::from(flag(&value.node).unwrap_or(false)),
        };
        match parameter.name {
            "port" => {
                self.settings.port = self.within(number, 1, 65_535, value.span).unwrap_or(5060);
            }
            "server_id" => {
                self.settings.server_id = self.within(number, 0, u32::MAX, value.span).unwrap_or(0);
            }
            "xavp_via_params" => self.settings.xavp_via_params = Some(text(&value.node)),
            "xavp_via_fields" => self.settings.xavp_via_fields = Some(text(&value.node)),
            "disable_tcp" | "enable_tls" | "tls_enable" | "disable_tls" | "tls_disable"
            | "tls_port" | "tls_port_no" | "udp_mtu" | "udp_mtu_try_proto" => {
                self.transport(parameter.name, number, value);
            }
            "children" | "workers" | "udp_workers" => {
                self.settings.workers = self.within(number, 1, WORKER_COUNT_MAX, value.span);
            }
            "debug" | "log_level" => {
                self.settings.debug = i32::try_from(number.clamp(-5, 9)).unwrap_or(0);
            }
            "log_stderror" | "stderror_enabled" => self.settings.log_stderror = number != 0,
            "log_facility" | "syslog_facility" => {
                match LogFacility::from_name(text(&value.node).as_bytes()) {
                    Some(facility) => self.settings.log_facility = facility,
                    None => {
                        let message = format!("`{}` must be a facility", parameter.name);
                        let diagnostic = Diagnostic::error("E0305", value.span, message);
                        self.diagnostics.push(diagnostic.help(parameter.doc));
                    }
                }
            }
            "server_signature" if number == 0 => self.settings.server_header = None,
            "server_header" => self.settings.server_header = self.server_header(value),
            "max_while_loops" => {
                if let Some(turns) = self.within(number, 1, u32::MAX, value.span) {
                    self.settings.max_while_loops = turns;
                }
            }
            "max_branches" => {
                if let Some(count) = self.within(number, 1, BRANCHES_MAX, value.span) {
                    self.settings.max_branches = count;
                }
            }
            "overload_policy" | "overload_retry_after" => {
                self.overload(parameter, number, value);
            }
            name if name.starts_with("dns_") => self.names(name, number, value.span),
            name if name.starts_with("tcp_") => self.connections(name, number, value.span),
            "auto_aliases" => self.settings.auto_aliases = number != 0,
            "advertised_address" => self.advertised_address(value),
            "advertised_port" => {
                self.settings.advertised.port = self.within(number, 1, u16::MAX, value.span);
            }
            "branch_secret" => self.settings.branch_secret = Some(text(&value.node)),
            "sip_warning" => self.settings.sip_warning = Some(number != 0),
            "ctl" | "fifo" | "fifo_dir" | "fifo_mode" => self.control(parameter.name, value),
            "steering" => match text(&value.node).as_str() {
                "spread" => self.settings.steering_spread = true,
                "hash" => self.settings.steering_spread = false,
                _ => self.diagnostics.push(
                    Diagnostic::error("E0305", value.span, "`steering` is `hash` or `spread`")
                        .help(parameter.doc),
                ),
            },
            _ => {}
        }
    }

    /// Takes over which transports there are, and which is for what.
    fn transport(&mut self, name: &str, number: i64, value: &Spanned<GlobalValue>) {
        match name {
            "disable_tcp" => self.settings.tcp = number == 0,
            "enable_tls" | "tls_enable" => self.settings.tls = number != 0,
            "disable_tls" | "tls_disable" => self.settings.tls = number == 0,
            "udp_mtu" => {
                if let Some(bytes) = self.within(number, 0, 65_535, value.span) {
                    self.settings.udp_mtu_bytes = bytes;
                }
            }
            "udp_mtu_try_proto" => self.mtu_transport(value),
            _ => {
                if let Some(port) = self.within(number, 1, 65_535, value.span) {
                    self.settings.tls_port = port;
                }
            }
        }
    }

    /// Takes over what is done where more comes than can be worked through.
    fn overload(&mut self, parameter: &Parameter, number: i64, value: &Spanned<GlobalValue>) {
        if parameter.name == "overload_retry_after" {
            if let Some(seconds) = self.within(number, 1, RETRY_AFTER_SECONDS_MAX, value.span) {
                self.settings.overload_retry_after_seconds = seconds;
            }
            return;
        }
        match text(&value.node).as_str() {
            "reject" => self.settings.overload_reject = true,
            "none" => self.settings.overload_reject = false,
            _ => {
                let message = "`overload_policy` is `none` or `reject`";
                let diagnostic = Diagnostic::error("E0305", value.span, message);
                self.diagnostics.push(diagnostic.help(parameter.doc));
            }
        }
    }

    /// Takes over what requests go by that are larger than `udp_mtu`.
    fn mtu_transport(&mut self, value: &Spanned<GlobalValue>) {
        match Transport::of(text(&value.node).as_bytes()) {
            Some(transport) => self.settings.udp_mtu_transport = transport,
            None => self.diagnostics.push(Diagnostic::error(
                "E0305",
                value.span,
                "`udp_mtu_try_proto` is `UDP`, `TCP` or `TLS`",
            )),
        }
    }

    /// Takes over the host to advertise.
    fn advertised_address(&mut self, value: &Spanned<GlobalValue>) {
        match listen::split_host(&text(&value.node)) {
            Some((host, None)) => self.settings.advertised.host = Some(host),
            _ => {
                let message = "`advertised_address` needs a host";
                let help = "the port is that of `advertised_port`";
                self.diagnostics.push(Diagnostic::error("E0303", value.span, message).help(help));
            }
        }
    }

    /// Takes over where commands come in.
    fn control(&mut self, name: &str, value: &Spanned<GlobalValue>) {
        let whole = text(&value.node);
        let path = whole.strip_prefix("unix:").filter(|_| name == "ctl").unwrap_or(&whole);
        if name != "fifo_mode" && (path.is_empty() || path.contains('\0')) {
            let message = format!("`{name}` must be a path");
            self.diagnostics.push(Diagnostic::error("E0305", value.span, message));
            return;
        }
        let control = &mut self.settings.control;
        match name {
            "ctl" => control.socket = Some(path.to_owned()),
            "fifo" => control.fifo = Some(path.to_owned()),
            "fifo_dir" => path.clone_into(&mut control.reply_folder),
            _ => match permissions(&value.node) {
                Some(mode) => control.fifo_mode = mode,
                None => self.diagnostics.push(
                    Diagnostic::error("E0305", value.span, "`fifo_mode` is from 0 to 0777")
                        .help("permissions are octal: `fifo_mode = 0600`"),
                ),
            },
        }
    }

    /// A number within its limits, or a report.
    fn within<T>(&mut self, number: i64, low: T, high: T, span: Span) -> Option<T>
    where
        T: TryFrom<i64> + PartialOrd + std::fmt::Display,
    {
        match T::try_from(number) {
            Ok(number) if number >= low && number <= high => Some(number),
            _ => {
                let message = format!("{number} is not within {low} to {high}");
                self.diagnostics.push(Diagnostic::error("E0305", span, message));
                None
            }
        }
    }

    /// The `Server` header line: the value with or without the name of the header.
    fn server_header(&mut self, value: &Spanned<GlobalValue>) -> Option<String> {
        let line = text(&value.node);
        if line.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t') {
            let message = "a header field is one line";
            self.diagnostics.push(Diagnostic::error("E0305", value.span, message));
            return None;
        }
        let has_name = line.get(..7).is_some_and(|name| name.eq_ignore_ascii_case("server:"));
        match line.trim() {
            "" => None,
            line if has_name => Some(line.to_owned()),
            line => Some(format!("Server: {line}")),
        }
    }

    /// `alias` and other lists.
    fn list(&mut self, parameter: &Parameter, global: &Global) {
        match parameter.name {
            "alias" => self.aliases(global),
            "dns_servers" => self.name_servers(global),
            _ => {}
        }
    }

    /// `alias`.
    fn aliases(&mut self, global: &Global) {
        for value in &global.values {
            let name = text(&value.node);
            match listen::split_host(listen::without_protocol(&name)) {
                Some((host, port)) => {
                    self.settings.aliases.push((host.to_ascii_lowercase(), port));
                }
                None => {
                    let message = format!("`{name}` is no host name or address");
                    self.diagnostics.push(Diagnostic::error("E0303", value.span, message));
                }
            }
        }
    }

    /// The settings, listeners with their ports.
    fn finish(self) -> Settings {
        let mut settings = self.settings;
        let port = settings.port;
        let names = self.listeners.iter().filter_map(|listener| listener.alias(port));
        settings.aliases.extend(names);
        if settings.auto_aliases {
            let own = self.reader.host_name();
            settings.own_names = own.into_iter().map(|name| name.to_ascii_lowercase()).collect();
        }
        self.diagnostics.extend(self.listeners.iter().filter_map(|it| it.idle(&settings)));
        let addresses = |listener: listen::Listener| listener.addresses(&settings);
        let listen = self.listeners.into_iter().flat_map(addresses).collect();
        settings.listen = listen;
        settings
    }
}

/// The permissions of a file that a value is: a number, or a text of octal digits.
pub(super) fn permissions(value: &GlobalValue) -> Option<u32> {
    let mode = match value {
        GlobalValue::Int(number) => u32::try_from(*number).ok(),
        value => u32::from_str_radix(&text(value), 8).ok(),
    };
    mode.filter(|mode| *mode <= 0o777)
}

/// The truth value that a value is.
fn flag(value: &GlobalValue) -> Option<bool> {
    let word = match value {
        GlobalValue::Int(number) => return Some(*number != 0),
        value => text(value).to_ascii_lowercase(),
    };
    match word.as_str() {
        "yes" | "on" | "true" | "enable" | "enabled" => Some(true),
        "no" | "off" | "false" | "disable" | "disabled" => Some(false),
        _ => None,
    }
}

/// A value as text.
fn text(value: &GlobalValue) -> String {
    match value {
        GlobalValue::Int(number) => number.to_string(),
        GlobalValue::Text(text) => String::from_utf8_lossy(text).into_owned(),
        GlobalValue::Word(word) => word.clone(),
    }
}

/// Largest `overload_retry_after`: a day.
const RETRY_AFTER_SECONDS_MAX: u32 = 86_400;

/// Largest `max_branches`: more than this fits no reply.
const BRANCHES_MAX: usize = 30;

#[cfg(test)]
mod tests;
