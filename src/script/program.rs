//! The compiled script.

use std::any::Any;

use super::Settings;

/// A compiled script: immutable; each worker runs a copy of its own, so that the caches within
/// its regular expressions are never shared.
#[derive(Clone, Debug)]
pub struct Program {
    settings: Settings,
}

impl Program {
    /// A program that does nothing, with these settings.
    #[must_use]
    pub fn empty(settings: Settings) -> Self {
        Self { settings }
    }

    /// The global parameters.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The configuration that a module made of its parameters, by its type.
    #[must_use]
    pub fn config<T: Any>(&self) -> Option<&T> {
        None
    }

    /// A program that does nothing, for tests of functions.
    #[cfg(test)]
    pub(crate) fn empty() -> Self {
        Self {
            settings: Settings {
                dialect: super::Dialect::Kamailio,
                listen: Vec::new(),
                port: 5060,
                aliases: Vec::new(),
                workers: None,
                debug: 0,
                log_stderror: true,
                server_header: None,
                max_while_loops: 100,
                max_branches: 12,
                steering_spread: false,
                branch_secret: None,
            },
        }
    }
}
