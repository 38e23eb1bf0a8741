//! Locks between runs of the script, in whatever workers they are.
//!
//! A lock is one number: who holds it, and until when at most. A run that finds it taken waits as
//! it would in `sleep`, and looks again; the worker goes on. So the ordinary case, where nobody has
//! to wait, costs one atomic operation, and nobody needs to be woken.

use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};

use foldhash::fast::FixedState;

use super::super::table::{function, required_text, text};
use crate::limits::{LOCK_MS_MAX, LOCK_WAIT_MS_MAX};
use crate::script::{Argument, Execution, FALSE, FunctionSpec, ReturnCode, TRUE};

/// The functions.
pub(super) const FUNCTIONS: [FunctionSpec; 3] = [
    function(
        "lock",
        &[required_text("key")],
        "Takes the lock of that name, so that no other run has it until `unlock`, in whatever \
         worker.\n\nIf another run has it, this one waits, and the server goes on with other \
         messages. False after four seconds, as two runs may wait for each other, if this run \
         holds eight locks, or if too many runs wait. A lock ends with its run, or after 64 \
         seconds. A run that has it already gets it once more. When the script is loaded again, \
         new runs have locks of their own.",
        r#"lock("count"); $shv(count) = $shv(count) + 1; unlock("count");"#,
        |execution, arguments| take(execution, text(arguments, 0), true),
    ),
    function(
        "trylock",
        &[required_text("key")],
        "Like `lock`, but false at once if any run has the lock.",
        r#"if (trylock("report")) { xlog("L_INFO", "one at a time\n"); unlock("report"); }"#,
        |execution, arguments| take(execution, text(arguments, 0), false),
    ),
    function(
        "unlock",
        &[required_text("key")],
        "Gives the lock of that name back. Nothing happens if this run does not have it.",
        r#"unlock("count");"#,
        unlock,
    ),
];

/// Locks; two names may share one.
const LOCK_COUNT: usize = 4_096;

/// Locks that one run may hold.
const HELD_COUNT_MAX: usize = 8;

/// Longest time between two looks at a lock that is taken (milliseconds): as many runs as may wait
/// leave most of the worker's time to messages then.
const LOOK_MS_MAX: u64 = 64;

/// Bits of a holder that tell runs apart; the others are the end of its time.
const RUN_BITS: u32 = 20;

/// The locks that all workers share.
#[derive(Debug)]
pub(super) struct LockSet {
    /// Who holds each; 0 if nobody does.
    holders: Box<[AtomicU64]>,
}

impl Default for LockSet {
    fn default() -> Self {
        Self { holders: (0..LOCK_COUNT).map(|_| AtomicU64::new(0)).collect() }
    }
}

impl LockSet {
    /// Takes a lock for `holder` if nobody has it, or its time is up.
    ///
    /// What a run does after it took the lock must see what the one before did before it gave it
    /// back: acquire here, release there.
    fn take(&self, lock: u16, holder: u64, now_ms: u64) -> bool {
        let Some(place) = self.holders.get(usize::from(lock)) else { return false };
        let present = place.load(Ordering::Relaxed);
        let is_free = present == 0 || present >> RUN_BITS < now_ms;
        let (taken, found) = (Ordering::Acquire, Ordering::Relaxed);
        is_free && place.compare_exchange(present, holder, taken, found).is_ok()
    }

    /// Whether `holder` still has a lock: once its time is up, another may have taken it.
    fn is_held(&self, lock: u16, holder: u64) -> bool {
        let place = self.holders.get(usize::from(lock));
        place.is_some_and(|place| place.load(Ordering::Relaxed) == holder)
    }

    /// Gives a lock back, if `holder` still has it.
    fn give(&self, lock: u16, holder: u64) {
        if let Some(place) = self.holders.get(usize::from(lock)) {
            let (given, found) = (Ordering::Release, Ordering::Relaxed);
            let _ = place.compare_exchange(holder, 0, given, found);
        }
    }
}

/// What a run has to do with locks.
#[derive(Clone, Copy, Debug, Default)]
struct Holding {
    held: [Held; HELD_COUNT_MAX],
    /// When it gives up the wait for the present one (milliseconds); 0 if it does not wait.
    waits_until_ms: u64,
    /// How long it waits until it looks again (milliseconds).
    look_ms: u64,
}

/// A lock that a run has.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    lock: u16,
    /// How often it was taken; 0 if this is no lock.
    count: u16,
    holder: u64,
}

/// The number of the lock of that name.
fn lock_of(key: &[u8]) -> u16 {
    let mut hasher = FixedState::default().build_hasher();
    hasher.write(key);
    (hasher.finish() % LOCK_COUNT as u64) as u16
}

/// Takes a lock; waits for it if it is asked to.
fn take(execution: &mut Execution<'_>, key: &[u8], waits: bool) -> ReturnCode {
    execution.take_answer();
    let now_ms = execution.host.now().monotonic_ms;
    let run = execution.host.random() & ((1 << RUN_BITS) - 1) | 1;
    let holder = (now_ms + LOCK_MS_MAX) << RUN_BITS | run;
    let locks = super::locks(execution);
    let (Some(locks), Some(holding)) = (locks, execution.state::<Holding>()) else { return FALSE };
    let lock = lock_of(key);
    if let Some(held) = holding.held.iter_mut().find(|it| it.count > 0 && it.lock == lock) {
        if locks.is_held(lock, held.holder) {
            if waits {
                held.count = held.count.saturating_add(1);
            }
            return if waits { TRUE } else { FALSE };
        }
        held.count = 0;
    }
    let Some(free) = holding.held.iter_mut().find(|it| it.count == 0) else {
        execution.complain("this run holds as many locks as it may");
        return FALSE;
    };
    if locks.take(lock, holder, now_ms) {
        *free = Held { lock, count: 1, holder };
        holding.waits_until_ms = 0;
        return TRUE;
    }
    if !waits {
        return FALSE;
    }
    if holding.waits_until_ms == 0 {
        (holding.waits_until_ms, holding.look_ms) = (now_ms + LOCK_WAIT_MS_MAX, 1);
    } else if holding.waits_until_ms <= now_ms {
        holding.waits_until_ms = 0;
        execution.complain("lock: another run holds it for too long");
        return FALSE;
    }
    let look_ms = holding.look_ms;
    holding.look_ms = (2 * look_ms).min(LOOK_MS_MAX);
    let code = execution.sleep(look_ms);
    if code == FALSE
        && let Some(holding) = execution.state::<Holding>()
    {
        holding.waits_until_ms = 0;
    }
    code
}

/// `unlock(key)`.
fn unlock<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let lock = lock_of(text(arguments, 0));
    let locks = super::locks(execution);
    let (Some(locks), Some(holding)) = (locks, execution.state::<Holding>()) else { return FALSE };
    if let Some(held) = holding.held.iter_mut().find(|it| it.count > 0 && it.lock == lock) {
        held.count -= 1;
        if held.count == 0 {
            locks.give(lock, held.holder);
        }
    }
    TRUE
}

/// Gives all locks back that a run has.
pub(in crate::modules) fn release(execution: &Execution<'_>) {
    let Some(holding) = execution.peek_state::<Holding>() else { return };
    let Some(locks) = super::locks(execution) else { return };
    for held in holding.held.iter().filter(|held| held.count > 0) {
        locks.give(held.lock, held.holder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_for_one_holder_and_its_time() {
        let locks = LockSet::default();
        let holder = |until_ms: u64, run: u64| until_ms << RUN_BITS | run;
        assert!(locks.take(3, holder(1_000, 1), 10));
        assert!(!locks.take(3, holder(2_000, 3), 999));
        assert!(locks.take(4, holder(2_000, 3), 999));
        locks.give(3, holder(2_000, 3));
        assert!(!locks.take(3, holder(2_000, 3), 1_000), "only its holder gives it back");
        assert!(locks.take(3, holder(2_000, 3), 1_001), "its time is up");
        locks.give(3, holder(1_000, 1));
        assert!(!locks.take(3, holder(9_000, 5), 1_002), "the first one has lost it");
        assert!(!locks.is_held(3, holder(1_000, 1)) && locks.is_held(3, holder(2_000, 3)));
        locks.give(3, holder(2_000, 3));
        assert!(locks.take(3, holder(9_000, 5), 1_002));
        assert!(!locks.take(u16::MAX, 1, 0));
    }

    #[test]
    fn threads_take_turns() {
        let locks = LockSet::default();
        let count = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for run in 1..=4 {
                let (locks, count) = (&locks, &count);
                scope.spawn(move || {
                    let holder = u64::MAX << RUN_BITS | run;
                    for _ in 0..1_000 {
                        while !locks.take(7, holder, 0) {
                            std::thread::yield_now();
                        }
                        let before = count.load(Ordering::Relaxed);
                        count.store(before + 1, Ordering::Relaxed);
                        locks.give(7, holder);
                    }
                });
            }
        });
        assert_eq!(count.load(Ordering::Relaxed), 4_000);
    }
}
