//! What is done while more comes than can be worked through (`overload_policy = reject`).
//!
//! The kernel tells how many datagrams it lost because nobody read them in time. It loses requests
//! within calls as well as new ones, and every call that is let in brings more of them. So new
//! calls are refused, as many as it takes until nothing is lost: the share that is let in falls by
//! a quarter in each interval that lost something, and grows by a thirty-second part in each that
//! did not. Which calls are let in depends on the call, so that a retransmission meets the fate
//! of its INVITE unless the share has passed it in between.

use crate::script::Settings;
use crate::time::Now;

/// The share of new calls that is let in.
#[derive(Debug)]
pub(super) struct Overload {
    /// The `Retry-After` line of the refusals; none if nothing is refused.
    retry_after: Option<Vec<u8>>,
    /// New calls let in, out of [`ALL`].
    share: u32,
    /// Whether something was lost in this interval.
    lost: bool,
    /// When the share is adjusted next.
    adjust_at_ms: u64,
}

/// The share that is everything.
const ALL: u32 = 1_024;

/// The share never falls below this, so that it is found out when there is room again.
const LEAST: u32 = 8;

/// What a quiet interval adds.
const STEP: u32 = ALL / 32;

/// Time between two adjustments: far above the time that a refusal takes to have an effect.
const INTERVAL_MS: u64 = 100;

impl Overload {
    /// As the script wants it. Everything is let in.
    pub(super) fn new(settings: &Settings) -> Self {
        let line = || format!("Retry-After: {}\r\n", settings.overload_retry_after_seconds);
        let retry_after = settings.overload_reject.then(|| line().into_bytes());
        Self { retry_after, share: ALL, lost: false, adjust_at_ms: 0 }
    }

    /// Notes that datagrams were lost.
    pub(super) const fn note_losses(&mut self) {
        self.lost = true;
    }

    /// The `Retry-After` line if a new call that draws this `lot` is to be refused. A lot is any
    /// number that is the same for all messages of a call.
    pub(super) fn refuses(&mut self, now: Now, lot: impl FnOnce() -> u32) -> Option<&[u8]> {
        let retry_after = self.retry_after.as_deref()?;
        if now.monotonic_ms >= self.adjust_at_ms {
            self.adjust_at_ms = now.monotonic_ms + INTERVAL_MS;
            self.share = match std::mem::take(&mut self.lost) {
                true => (self.share - self.share / 4).max(LEAST),
                false => (self.share + STEP).min(ALL),
            };
        }
        (self.share < ALL && lot() % ALL >= self.share).then_some(retry_after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With the policy, telling callers to come back after 7 seconds.
    fn overload() -> Overload {
        Overload::new(&Settings {
            overload_reject: true,
            overload_retry_after_seconds: 7,
            ..Settings::default()
        })
    }

    /// How many of all lots are refused in the interval of that number.
    fn refused(overload: &mut Overload, interval: u64) -> usize {
        let now = Now { monotonic_ms: interval * INTERVAL_MS, wall_seconds: 0, ..Now::default() };
        (0..ALL).filter(|lot| overload.refuses(now, || *lot).is_some()).count()
    }

    #[test]
    fn without_losses_or_without_the_policy_nothing_is_refused() {
        let mut patient = Overload::new(&Settings::default());
        patient.note_losses();
        assert_eq!(refused(&mut patient, 0), 0);
        let mut overload = overload();
        assert_eq!((refused(&mut overload, 0), refused(&mut overload, 1)), (0, 0));
    }

    #[test]
    fn the_share_falls_quickly_and_comes_back_slowly() {
        let mut overload = overload();
        let mut lose = |interval| {
            overload.note_losses();
            refused(&mut overload, interval)
        };
        assert_eq!([lose(0), lose(0), lose(1)], [256, 256, 448]);
        let quiet: Vec<usize> = (3..40).map(|interval| refused(&mut overload, interval)).collect();
        assert!(quiet.windows(2).all(|pair| pair[1] <= pair[0]));
        assert!(quiet[0] > 0);
        assert_eq!(quiet.last(), Some(&0));
    }

    #[test]
    fn a_few_calls_are_let_in_however_much_is_lost() {
        let mut overload = overload();
        let mut left = 0;
        for interval in 0..100 {
            overload.note_losses();
            left = ALL as usize - refused(&mut overload, interval);
        }
        assert_eq!(left, LEAST as usize);
    }

    #[test]
    fn a_refusal_says_when_to_come_back() {
        let mut overload = overload();
        overload.note_losses();
        let now = Now { monotonic_ms: 0, wall_seconds: 0, ..Now::default() };
        assert_eq!(overload.refuses(now, || ALL - 1), Some(&b"Retry-After: 7\r\n"[..]));
    }
}
