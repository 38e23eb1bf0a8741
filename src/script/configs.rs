//! What modules have made of their parameters.

use std::any::{Any, TypeId};
use std::hash::{Hash, Hasher};

use super::registry::ModuleConfig;

/// The configurations of the modules, one of a type. Functions ask for theirs in each run, so
/// each lies at a place that its type says.
#[derive(Clone, Debug)]
pub(super) struct Configs {
    places: [Option<(TypeId, ModuleConfig)>; PLACE_COUNT],
    /// Those that found their place taken.
    others: Vec<ModuleConfig>,
}

/// Many times the modules with a configuration, so that two rarely want one place.
const PLACE_COUNT: usize = 64;

impl Configs {
    /// These, each with its type.
    pub(super) fn new(configs: Vec<(TypeId, ModuleConfig)>) -> Self {
        let mut new = Self { places: [const { None }; PLACE_COUNT], others: Vec::new() };
        for (id, config) in configs {
            match &mut new.places[place(id)] {
                place @ None => *place = Some((id, config)),
                Some(_) => new.others.push(config),
            }
        }
        new
    }

    /// Whether there surely is none of that type. That another one lies at its place, which is
    /// chance, tells nothing.
    #[inline]
    pub(super) fn lacks<T: Any>(&self) -> bool {
        let wanted = TypeId::of::<T>();
        match &self.places[place(wanted)] {
            None => true,
            Some((id, _)) => *id != wanted && self.others.is_empty(),
        }
    }

    /// The one of that type.
    #[inline]
    pub(super) fn get<T: Any>(&self) -> Option<&T> {
        let (_, config) = self.places[place(TypeId::of::<T>())].as_ref()?;
        match config.downcast_ref() {
            Some(config) => Some(config),
            None => self.others.iter().find_map(|other| other.downcast_ref()),
        }
    }
}

/// The place of a type: known when the server is built.
#[inline]
fn place(id: TypeId) -> usize {
    let mut bits = TypeBits::default();
    id.hash(&mut bits);
    bits.finish() as usize % PLACE_COUNT
}

/// The bits of a [`TypeId`], which are random already.
#[derive(Default)]
struct TypeBits(u64);

impl Hasher for TypeBits {
    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    #[inline]
    fn write_u64(&mut self, bits: u64) {
        self.0 = bits;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// A configuration of a type of its own.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    struct Own<const NUMBER: usize>;

    /// Types with their configurations: more than there are places for.
    macro_rules! many {
        ($($number:literal)*) => {
            vec![$((TypeId::of::<Own<$number>>(), Arc::new(Own::<$number>) as ModuleConfig)),*]
        };
    }

    #[test]
    fn each_is_found_by_its_type_wherever_it_lies() {
        let configs = Configs::new(many!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21
            22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39));
        assert!(!configs.others.is_empty(), "some share a place");
        macro_rules! found {
            ($($number:literal)*) => {
                $(assert_eq!(configs.get::<Own<$number>>(), Some(&Own::<$number>));)*
            };
        }
        found!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21
            22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39);
        assert_eq!(configs.get::<Own<99>>(), None);
    }

    #[test]
    fn what_another_type_lies_at_the_place_of_is_lacking_all_the_same() {
        // Of so many types some share the place of the only one that there is.
        let configs = Configs::new(many!(0));
        macro_rules! all_lack {
            ($($number:literal)*) => { [$(configs.lacks::<Own<$number>>()),*] };
        }
        let lacking = all_lack!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25
            26 27 28 29 30 31 32 33 34 35 36 37 38 39);
        assert!(!lacking[0] && lacking[1..].iter().all(|lacks| *lacks));
    }
}
