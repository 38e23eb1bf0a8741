//! A new script for a server that runs: read, checked and compiled aside, then put in the place
//! of the old one. What is wrong with it changes nothing.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;

use super::load::{finish, parse};
use super::plan::Plan;
use super::sockets::make_room;
use super::tls::{TlsSource, TlsStore};
use super::{Options, ServerError, log};
use crate::connections::Directory;
use crate::helper::Resolver;
use crate::modules::REGISTRY;
use crate::script::ast::{Ast, Global, GlobalValue, ModParam, Spanned};
use crate::script::{
    ControlSettings, Diagnostic, ModuleSpec, Parsed, Program, SettingKind, Settings, Span,
};
use crate::worker::Programs;

/// Puts new scripts in the place of the old one.
#[derive(Debug)]
pub(super) struct Reloader {
    options: Options,
    fixed: Fixed,
    programs: Programs<Program>,
    resolver: Resolver,
    connections: Arc<Directory>,
    tls: TlsStore,
}

/// What was put in place.
#[derive(Debug)]
pub(super) struct Reloaded {
    /// The file.
    pub(super) path: PathBuf,
    /// What there is to say about it, for people; empty if nothing.
    pub(super) remarks: String,
}

/// Why the old script stays in place.
#[derive(Debug, Error)]
pub(super) enum ReloadError {
    /// There is no file.
    #[error("the built-in script runs, there is nothing to reload")]
    BuiltIn,
    /// Such as a pipe, which gives its text once.
    #[error("{} is no file that can be read again", path.display())]
    NoFile {
        /// What it was started with.
        path: PathBuf,
    },
    /// It cannot be read, or asks for more than there can be.
    #[error(transparent)]
    Refused(#[from] ServerError),
    /// It has errors.
    #[error("the script has errors")]
    Script {
        /// Which ones, for people.
        diagnostics: String,
    },
    /// Certificates, keys or profiles of TLS have.
    #[error("TLS stays as it was")]
    Tls {
        /// Which ones, for people.
        diagnostics: String,
    },
}

impl ReloadError {
    /// What is wrong with the script, for people; empty if it is something else.
    pub(super) fn diagnostics(&self) -> String {
        match self {
            Self::Script { diagnostics } | Self::Tls { diagnostics } => diagnostics.clone(),
            _ => String::new(),
        }
    }
}

impl Reloader {
    /// For a server that was started so.
    pub(super) fn new(
        options: Options,
        fixed: Fixed,
        programs: Programs<Program>,
        (resolver, connections, tls): (Resolver, Arc<Directory>, TlsStore),
    ) -> Self {
        Self { options, fixed, programs, resolver, connections, tls }
    }

    /// Reads the script again and puts it in place. The workers take it with their next batch,
    /// or when they are woken; where this fails, nothing has changed.
    ///
    /// # Errors
    ///
    /// When there is no script that can be put in place.
    pub(super) fn reload(&self) -> Result<Reloaded, ReloadError> {
        let path = self.options.config.clone().ok_or(ReloadError::BuiltIn)?;
        if fs::metadata(&path).is_ok_and(|it| !it.is_file()) {
            return Err(ReloadError::NoFile { path });
        }
        let mut parsed = parse(Some(&path))?;
        let tls = TlsSource::of(Some(&path), &self.options.listen, &parsed);
        let kept = match &mut parsed {
            Ok(parsed) => self.fixed.hold(parsed, &self.options)?,
            Err(_) => Vec::new(),
        };
        let mut loaded = finish(parsed);
        loaded.diagnostics.extend(kept);
        let contexts = tls.clone().read(&mut loaded);
        loaded.diagnostics.sort_by_key(|diagnostic| diagnostic.primary.0.start);
        let remarks = log::show(&loaded.diagnostics, &loaded.map, self.options.log_level);
        let Some(program) = loaded.program else {
            return Err(ReloadError::Script { diagnostics: remarks });
        };
        self.resolver.follow(&program.settings().names);
        make_room(self.fixed.plan(), &program.settings().connections);
        self.connections.configure(program.settings().connections.clone());
        self.programs.replace(Arc::new(program));
        self.tls.replace(tls, loaded.map, contexts);
        Ok(Reloaded { path, remarks })
    }

    /// Reads what the script that runs names for TLS again; where this fails, nothing has changed.
    ///
    /// # Errors
    ///
    /// When some of it cannot be used.
    pub(super) fn reload_tls(&self) -> Result<Reloaded, ReloadError> {
        let (diagnostics, map, is_good) = self.tls.read_again();
        let remarks = log::show(&diagnostics, &map, self.options.log_level);
        if !is_good {
            return Err(ReloadError::Tls { diagnostics: remarks });
        }
        let path = self.options.config.clone().unwrap_or_default();
        Ok(Reloaded { path, remarks })
    }

    /// What connections speak TLS by.
    pub(super) const fn tls(&self) -> &TlsStore {
        &self.tls
    }
}

/// What stays as it was at start: sockets and threads, the key of the branches, and the module
/// parameters that say how stored things were stored.
#[derive(Debug)]
pub(super) struct Fixed {
    plan: Plan,
    branch_secret: Option<String>,
    control: ControlSettings,
    /// Module, name and value of each parameter that stays.
    parameters: Vec<(&'static ModuleSpec, &'static str, String)>,
}

impl Fixed {
    /// What the script of a start says; its module parameters are those of `ast`.
    pub(super) fn new(
        options: &Options,
        settings: &Settings,
        parameters: FixedParameters,
    ) -> Result<Self, ServerError> {
        Ok(Self {
            plan: Plan::new(options, settings)?,
            branch_secret: settings.branch_secret.clone(),
            control: settings.control.clone(),
            parameters: parameters.0,
        })
    }

    /// What is bound and started.
    pub(super) const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Has the module parameters of a new script stay as they are; a warning for each of these
    /// and of the rest that the script wants otherwise.
    fn hold(&self, parsed: &mut Parsed, options: &Options) -> Result<Vec<Diagnostic>, ServerError> {
        let wanted = Plan::new(options, &parsed.settings)?;
        let Plan { listen, worker_count, steering } = &self.plan;
        let globals = &parsed.ast.globals;
        let mut warnings = Vec::new();
        for (is_same, names) in [
            (*listen == wanted.listen, &["listen", "socket", "port"][..]),
            (*worker_count == wanted.worker_count, &["workers", "children", "udp_workers"]),
            (*steering == wanted.steering, &["steering"]),
            (self.branch_secret == parsed.settings.branch_secret, &["branch_secret"]),
            (self.control.socket == parsed.settings.control.socket, &["ctl"]),
            (self.control.same_fifo(&parsed.settings.control), &["fifo", "fifo_mode", "fifo_dir"]),
        ] {
            if !is_same {
                warnings.push(stays(names[0], place_of(globals, names)));
            }
        }
        for (module, name, value) in &self.parameters {
            let place = hold_parameter(&mut parsed.ast, module, name, value);
            warnings.extend(place.map(|place| stays(name, place)));
        }
        Ok(warnings)
    }
}

/// The values of the module parameters that stay as they are while the server runs.
#[derive(Debug, Default)]
pub(super) struct FixedParameters(Vec<(&'static ModuleSpec, &'static str, String)>);

impl FixedParameters {
    /// Those of a script.
    pub(super) fn of(ast: &Ast) -> Self {
        let fixed = REGISTRY.modules.iter().flat_map(|module| {
            module.fixed.iter().map(|(name, default)| {
                let value = settings_of(ast, module, name).last();
                let value = value.map(|parameter| canonical(module, name, &parameter.value.node));
                (*module, *name, value.unwrap_or_else(|| (*default).to_owned()))
            })
        });
        Self(fixed.collect())
    }
}

/// Sets a module parameter to the value that it has to keep; where the script sets it if it says
/// otherwise.
fn hold_parameter(
    ast: &mut Ast,
    module: &'static ModuleSpec,
    name: &str,
    kept: &str,
) -> Option<Span> {
    let default = module.fixed.iter().find(|(known, _)| *known == name).map_or("", |it| it.1);
    let last = settings_of(ast, module, name).last();
    let wanted = last.map(|parameter| canonical(module, name, &parameter.value.node));
    if wanted.as_deref().unwrap_or(default) == kept {
        return None;
    }
    let place = last.map_or_else(Span::default, |parameter| parameter.name.span);
    let spanned = |node: &str| Spanned { node: node.to_owned(), span: place };
    let loads = |loaded: &Spanned<String>| {
        REGISTRY.module(&loaded.node).is_some_and(|loaded| loaded.name == module.name)
    };
    let is_loaded = ast.modules.iter().any(loads);
    if !is_loaded && module.functions.is_empty() {
        // Nothing of the script depends on its being there, but what was stored does.
        ast.modules.push(spanned(module.name));
    }
    if is_loaded || module.functions.is_empty() {
        ast.modparams.push(ModParam {
            module: spanned(module.name),
            name: spanned(name),
            value: Spanned { node: GlobalValue::Text(kept.as_bytes().to_vec()), span: place },
        });
    }
    Some(place)
}

/// The lines that set a parameter of a module; the last one counts.
fn settings_of<'a>(
    ast: &'a Ast,
    module: &'a ModuleSpec,
    name: &'a str,
) -> impl DoubleEndedIterator<Item = &'a ModParam> {
    let names_module = |names: &str| {
        let mut found = names.split('|').filter_map(|name| REGISTRY.module(name));
        found.any(|found| found.name == module.name)
    };
    ast.modparams.iter().filter(move |parameter| {
        parameter.name.node == name && names_module(&parameter.module.node)
    })
}

/// A value in one form, however it was written.
fn canonical(module: &ModuleSpec, name: &str, value: &GlobalValue) -> String {
    let text = match value {
        GlobalValue::Int(number) => number.to_string(),
        GlobalValue::Text(text) => String::from_utf8_lossy(text).into_owned(),
        GlobalValue::Word(word) => word.clone(),
    };
    let spec = module.settings.iter().find(|setting| setting.name == name);
    match (spec.map(|setting| setting.kind), text.as_str()) {
        (Some(SettingKind::Int), "yes" | "on" | "true" | "enabled") => "1".to_owned(),
        (Some(SettingKind::Int), "no" | "off" | "false" | "disabled") => "0".to_owned(),
        _ => text,
    }
}

/// Where the last of these global parameters is set.
fn place_of(globals: &[Global], names: &[&str]) -> Span {
    let is_named = |global: &&Global| names.contains(&global.name.node.to_lowercase().as_str());
    globals.iter().rfind(is_named).map_or_else(Span::default, |global| global.name.span)
}

/// Says that something stays as it is.
fn stays(name: &str, place: Span) -> Diagnostic {
    let message = format!("`{name}` stays as it was when the server started");
    Diagnostic::warning("W0501", place, message).help("restart the server to change it")
}
