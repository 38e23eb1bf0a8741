//! What names mean while a script is compiled, and what can be wrong with a variable.

use std::collections::BTreeMap;
use std::ops::Range;

use super::ast::{Ast, GlobalValue, NamedValue};
use super::registry::{PseudoVariable, Registry};

/// What names in strings and variables refer to.
#[derive(Debug)]
pub(super) struct Scope<'a> {
    registry: &'a Registry,
    /// The names of `$var(...)`; a position is the number that the compiled script uses.
    slots: Vec<Box<[u8]>>,
    /// Their numbers.
    numbers: BTreeMap<Box<[u8]>, u16>,
    /// What `$sel(cfg_get.group.name)`, `$def(...)` and `$env(...)` read.
    constants: Vec<NamedValue>,
    /// How many variables are around the present one.
    depth: usize,
}

/// Variables within each other: `$hdr($var($avp(x)))` are three.
const DEPTH_MAX: usize = 16;

/// What is wrong with a variable, a format or a transformation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// Its number.
    pub(super) code: &'static str,
    /// What is wrong.
    pub(super) message: String,
    /// Where in the text.
    pub(super) at: Range<usize>,
    /// What to do about it.
    pub(super) help: Option<String>,
}

impl<'a> Scope<'a> {
    /// The scope of a script.
    pub(super) fn of(ast: &Ast, registry: &'a Registry) -> Self {
        let globals = ast.globals.iter().filter(|global| global.name.node.contains('.'));
        let globals = globals.filter_map(|global| {
            let value = match &global.values.first()?.node {
                GlobalValue::Int(number) => number.to_string().into_bytes(),
                GlobalValue::Text(text) => text.clone(),
                GlobalValue::Word(word) => word.clone().into_bytes(),
            };
            let name = global.name.node.clone().into_bytes();
            Some(NamedValue { reader: "sel", name, value })
        });
        Self::new(registry, ast.constants.iter().cloned().chain(globals).collect())
    }

    /// A scope with no `$var(...)` yet.
    pub(super) fn new(registry: &'a Registry, constants: Vec<NamedValue>) -> Self {
        Self { registry, slots: Vec::new(), numbers: BTreeMap::new(), constants, depth: 0 }
    }

    /// The variable of that name.
    pub(super) fn find_variable(&self, name: &[u8]) -> Option<&'static PseudoVariable> {
        self.registry.variables().map(|(_, spec)| spec).find(|spec| {
            spec.name.as_bytes() == name
                || spec.aliases.iter().any(|alias| alias.as_bytes() == name)
        })
    }

    /// The known variable whose name looks most like `name`.
    pub(super) fn similar_variable(&self, name: &str) -> Option<&'static str> {
        let names = self
            .registry
            .variables()
            .flat_map(|(_, spec)| std::iter::once(spec.name).chain(spec.aliases.iter().copied()));
        // All names of two letters are near each other.
        match name.len() {
            0..=2 => names.into_iter().find(|known| known.eq_ignore_ascii_case(name)),
            _ => super::nearest(name, names),
        }
    }

    /// Reads a variable that may stand within others.
    pub(super) fn nested<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        if self.depth >= DEPTH_MAX {
            let message = "variables are nested too deeply";
            return Err(Fault::new("E0414", message, 0..1));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    /// The module that has a variable of that name, which is not supported yet.
    pub(super) fn lacks_variable(&self, name: &str) -> Option<&'static str> {
        self.registry.lacks_variable(name).map(|module| module.name)
    }

    /// The number of `$var(name)`.
    pub(super) fn slot(&mut self, name: &[u8]) -> Option<u16> {
        if let Some(number) = self.numbers.get(name) {
            return Some(*number);
        }
        let number = u16::try_from(self.slots.len()).ok()?;
        self.slots.push(name.into());
        self.numbers.insert(name.into(), number);
        Some(number)
    }

    /// The value that a pseudo-variable reads for that name, if it is known already.
    pub(super) fn constant(&self, reader: &str, name: &[u8]) -> Option<&[u8]> {
        let is_meant = |known: &&NamedValue| known.reader == reader && known.name == name;
        self.constants.iter().rev().find(is_meant).map(|known| known.value.as_slice())
    }

    /// The names of all `$var(...)`, in the order of their numbers.
    pub(super) fn into_slots(self) -> Vec<Box<[u8]>> {
        self.slots
    }
}

impl Fault {
    /// A fault that is at `at`.
    pub(super) fn new(code: &'static str, message: impl Into<String>, at: Range<usize>) -> Self {
        Self { code, message: message.into(), at, help: None }
    }

    /// The same fault with advice.
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same fault, seen from a text in which this one starts at `offset`.
    pub(super) fn moved_by(mut self, offset: usize) -> Self {
        self.at = self.at.start + offset..self.at.end + offset;
        self
    }
}
