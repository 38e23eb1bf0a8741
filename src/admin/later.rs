//! Commands that are known and cannot be done yet.

use super::answer::{Failure, Rest};
use super::page::Page;
use super::scene::Scene;

/// `t_stats` and the like.
pub(super) fn transactions(_: &Scene<'_>, _: &[&str], _: &mut Page) -> Result<Rest, Failure> {
    Err(Failure::bad("not yet: needs transactions"))
}

/// What `serctl` does with subscribers.
pub(super) fn database(_: &Scene<'_>, _: &[&str], _: &mut Page) -> Result<Rest, Failure> {
    Err(Failure::bad("not yet: subscribers need a database"))
}
