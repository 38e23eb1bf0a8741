//! What modules keep during a run.

use std::any::{Any, TypeId};
use std::fmt::Debug;

use bumpalo::Bump;
use bumpalo::collections::Vec as ArenaVec;

/// A plain value of a module, of whatever type.
pub(super) trait State: Any + Debug + Send {
    /// A copy that lies in an arena.
    #[expect(clippy::mut_from_ref, reason = "it is new memory of the arena")]
    fn copy_into<'m>(&self, arena: &'m Bump) -> &'m mut dyn State;

    /// A copy that stands alone.
    fn boxed(&self) -> Box<dyn State>;
}

impl<T: Copy + Debug + Send + 'static> State for T {
    fn copy_into<'m>(&self, arena: &'m Bump) -> &'m mut dyn State {
        arena.alloc(*self)
    }

    fn boxed(&self) -> Box<dyn State> {
        Box::new(*self)
    }
}

/// The states of a run, one of a type.
#[derive(Debug)]
pub(super) struct States<'m> {
    arena: &'m Bump,
    states: ArenaVec<'m, (TypeId, &'m mut dyn State)>,
}

impl<'m> States<'m> {
    /// None.
    pub(super) fn new_in(arena: &'m Bump) -> Self {
        Self { arena, states: ArenaVec::new_in(arena) }
    }

    /// The state of that type; made when it is asked for first.
    pub(super) fn get<T: State + Copy + Default>(&mut self) -> Option<&mut T> {
        let id = TypeId::of::<T>();
        if !self.states.iter().any(|(known, _)| *known == id) {
            self.states.push((id, self.arena.alloc(T::default())));
        }
        let (_, state) = self.states.iter_mut().find(|(known, _)| *known == id)?;
        let state: &mut dyn Any = &mut **state;
        state.downcast_mut()
    }

    /// The state of that type, if it was made.
    pub(super) fn peek<T: State + Copy>(&self) -> Option<T> {
        let id = TypeId::of::<T>();
        let (_, state) = self.states.iter().find(|(known, _)| *known == id)?;
        let state: &dyn Any = &**state;
        state.downcast_ref().copied()
    }

    /// Copies of all that do not need the arena.
    pub(super) fn keep(&self) -> Vec<(TypeId, Box<dyn State>)> {
        self.states.iter().map(|(id, state)| (*id, state.boxed())).collect()
    }

    /// Puts copies back.
    pub(super) fn restore(&mut self, kept: &[(TypeId, Box<dyn State>)]) {
        let arena = self.arena;
        self.states.extend(kept.iter().map(|(id, state)| (*id, (**state).copy_into(arena))));
    }
}
