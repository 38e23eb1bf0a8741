//! `loadmodule` and `modparam`.

use std::any::TypeId;

use super::Checker;
use crate::script::ast::{GlobalValue, ModParam, Spanned};
use crate::script::registry::{
    ModuleConfig, ModuleSpec, ModuleState, NOT_HEEDED, SettingKind, SettingSpec,
};
use crate::script::{Severity, parse_int};

impl Checker<'_> {
    /// Checks all `loadmodule` and `modparam` lines; the configurations of the loaded modules.
    pub(super) fn modules(&mut self) -> Vec<(TypeId, ModuleConfig)> {
        let ast = self.ast;
        for name in &ast.modules {
            self.load(name);
        }
        let mut values = Vec::new();
        for parameter in &ast.modparams {
            for name in parameter.module.node.split('|') {
                values.extend(self.set(name, parameter));
            }
        }
        let loaded = self.loaded.clone();
        loaded.iter().filter_map(|module| self.configure(module, &values)).collect()
    }

    /// `loadmodule`.
    fn load(&mut self, name: &Spanned<String>) {
        if let Some(module) = self.registry.module(&name.node) {
            if matches!(module.state, ModuleState::Announced) {
                let message =
                    format!("module `{}` is accepted, but does nothing here yet", module.name);
                self.report(Severity::Note, "N0404", message, name.span);
            }
            if !self.is_loaded(module) {
                self.loaded.push(module);
            }
            return;
        }
        let base = name.node.rsplit('/').next().unwrap_or(&name.node);
        let base = base.strip_suffix(".so").unwrap_or(base).to_owned();
        let names = self.registry.modules.iter().map(|module| module.name);
        let meant = self.nearest(&base, names).map(|meant| name.node.replace(&base, meant));
        self.misspelt("E0408", format!("there is no module `{base}`"), name, meant.as_deref());
    }

    /// Whether a module's functions can be called.
    pub(super) fn is_loaded(&self, module: &ModuleSpec) -> bool {
        self.loaded.iter().any(|loaded| loaded.name == module.name)
    }

    /// Whether a module that is not loaded is used for the first time: one line repairs all uses.
    pub(super) fn is_first_use(&mut self, module: &ModuleSpec) -> bool {
        let is_first = !self.unloaded.contains(&module.name);
        if is_first {
            self.unloaded.push(module.name);
        }
        is_first
    }

    /// `modparam`, for one of the modules that it names.
    fn set<'p>(&mut self, name: &str, parameter: &'p ModParam) -> Option<Value<'p>> {
        let at = parameter.module.span;
        let Some(module) = self.registry.module(name) else {
            let names = self.registry.modules.iter().map(|module| module.name);
            let meant = self.nearest(name, names);
            let written = Spanned { node: name.to_owned(), span: at };
            self.misspelt("E0408", format!("there is no module `{name}`"), &written, meant);
            return None;
        };
        if !self.is_loaded(module) {
            if self.is_first_use(module) {
                let message = format!("module `{}` is not loaded", module.name);
                let help = format!("add `loadmodule \"{}.so\"` before this line", module.name);
                self.error_with_help("E0402", message, at, Some(help));
            }
            return None;
        }
        let setting = self.setting(module, parameter)?;
        let value = self.setting_value(setting, &parameter.value)?;
        Some(Value { module, name: setting.name, value, source: parameter })
    }

    /// The parameter of a module.
    fn setting(
        &mut self,
        module: &'static ModuleSpec,
        parameter: &ModParam,
    ) -> Option<&'static SettingSpec> {
        let name = parameter.name.node.as_str();
        let found = module.settings.iter().find(|setting| setting.name == name);
        match found {
            Some(setting) => {
                let is_off = match &parameter.value.node {
                    GlobalValue::Int(number) => *number == 0,
                    GlobalValue::Text(text) => text.is_empty(),
                    GlobalValue::Word(word) => switch(word) == Some(0),
                };
                if let (Some(why), false) = (setting.doc.strip_prefix(NOT_HEEDED), is_off) {
                    let message = format!("`{name}` is not heeded{}", why.trim_end_matches('.'));
                    self.report(Severity::Warning, "W0414", message, parameter.name.span);
                } else if !setting.effective {
                    let why = setting.doc.strip_prefix(NOT_HEEDED).unwrap_or(setting.doc);
                    let why = why.strip_prefix("Changes nothing").unwrap_or(why);
                    let message = format!("`{name}` changes nothing{}", why.trim_end_matches('.'));
                    self.report(Severity::Note, "N0405", message, parameter.name.span);
                }
                found
            }
            None if matches!(module.state, ModuleState::Announced) => None,
            None => {
                let names = module.settings.iter().map(|setting| setting.name);
                let meant = self.nearest(name, names);
                let message = format!("module `{}` has no parameter `{name}` here", module.name);
                self.misspelt("E0410", message, &parameter.name, meant);
                None
            }
        }
    }

    /// The value of a parameter, made what it must be. Bare words count as strings, and
    /// strings that are numbers as numbers.
    fn setting_value(
        &mut self,
        setting: &SettingSpec,
        value: &Spanned<GlobalValue>,
    ) -> Option<GlobalValue> {
        let text = |word: &str| GlobalValue::Text(word.as_bytes().to_vec());
        let found = match (setting.kind, &value.node) {
            (SettingKind::Int, GlobalValue::Text(text)) => parse_int(text).map(GlobalValue::Int),
            (SettingKind::Int, GlobalValue::Word(word)) => switch(word).map(GlobalValue::Int),
            (SettingKind::Text, GlobalValue::Int(number)) => Some(text(&number.to_string())),
            (SettingKind::Text, GlobalValue::Word(word)) => Some(text(word)),
            (_, value) => Some(value.clone()),
        };
        if found.is_none() {
            let message = format!("`{}` is a number", setting.name);
            self.error("E0411", message, value.span);
        }
        found
    }

    /// The configuration of a module.
    fn configure(
        &mut self,
        module: &ModuleSpec,
        values: &[Value<'_>],
    ) -> Option<(TypeId, ModuleConfig)> {
        let own: Vec<&Value<'_>> =
            values.iter().filter(|value| value.module.name == module.name).collect();
        let pairs: Vec<(&str, GlobalValue)> =
            own.iter().map(|value| (value.name, value.value.clone())).collect();
        if pairs.is_empty() && module.knows_defaults {
            return None;
        }
        match (module.configure?)(&pairs) {
            Ok(config) => Some(((*config).type_id(), config)),
            Err((position, message)) => {
                let at = own.get(position).map(|value| value.source.value.span);
                self.error("E0411", message, at.unwrap_or_default());
                None
            }
        }
    }
}

/// A checked value of a parameter.
struct Value<'p> {
    module: &'static ModuleSpec,
    name: &'static str,
    value: GlobalValue,
    source: &'p ModParam,
}

/// The number that a word like `yes` is.
fn switch(word: &str) -> Option<i64> {
    match word {
        "yes" | "on" | "true" | "enabled" => Some(1),
        "no" | "off" | "false" | "disabled" => Some(0),
        word => parse_int(word.as_bytes()),
    }
}
