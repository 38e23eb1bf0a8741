//! Lists of what a run collects.

use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};

use bumpalo::Bump;
use bumpalo::collections::Vec as ArenaVec;

/// A list in the arena of a run. It goes with the arena: at the end of a run nobody has to look
/// whether there is something to be given back.
#[derive(Debug)]
pub struct ArenaList<'m, T: Copy>(ManuallyDrop<ArenaVec<'m, T>>);

impl<'m, T: Copy> ArenaList<'m, T> {
    /// A list with nothing in it, which takes no memory yet.
    #[inline]
    #[must_use]
    pub fn new_in(arena: &'m Bump) -> Self {
        Self(ManuallyDrop::new(ArenaVec::new_in(arena)))
    }
}

impl<'m, T: Copy> Deref for ArenaList<'m, T> {
    type Target = ArenaVec<'m, T>;

    #[inline]
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<T: Copy> DerefMut for ArenaList<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}
