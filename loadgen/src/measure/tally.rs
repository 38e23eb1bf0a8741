//! Numbers that are counted.

use super::Failure;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Count {
    /// Calls whose intended start came.
    Offered,
    /// Calls that were started.
    Started,
    /// Calls of the callers that went as the scenario says.
    Completed,
    /// Calls that callees began because a request came.
    Answered,
    /// Calls of callees that went as the scenario says.
    AnsweredCompleted,
    /// Calls ended before their time because the run was interrupted.
    CutShort,
    /// Messages sent, repetitions included.
    Sent,
    /// Bytes of these.
    SentBytes,
    /// Messages received.
    Received,
    /// Bytes of these.
    ReceivedBytes,
    /// Requests sent again because no response came (RFC 3261 Timers A and E), and ACKs sent
    /// again because a final response came again.
    RequestsRepeated,
    /// Responses sent again: because no ACK came (RFC 3261 §13.3.1.4, Timer G), or because the
    /// request came again.
    ResponsesRepeated,
    /// Messages received that had been received before.
    RepetitionsReceived,
    /// Messages that no scenario waited for at that moment, those ignored included.
    Unexpected,
    /// Messages of a call that is unknown or has ended.
    Stray,
    /// Datagrams that are no SIP message.
    Unreadable,
    /// Times a socket's send buffer was full.
    SendBufferFull,
    /// Datagrams the kernel refused to send.
    Refused,
    /// Datagrams that the kernel dropped because a receive buffer was full.
    Overrun,
    /// Nanoseconds that the worker worked, rather than waited.
    BusyNanos,
}

impl Count {
    /// How many there are.
    pub const COUNT: usize = Self::BusyNanos as usize + 1;
}

/// All counters of a worker or of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    counts: [u64; Count::COUNT],
    /// Failed calls of callers, by reason.
    failures: [u64; Failure::COUNT],
    /// Failed calls of callees, by reason.
    callee_failures: [u64; Failure::COUNT],
    /// Responses that callers received, by code, without repetitions.
    pub codes: StatusCodes,
}

impl Tally {
    /// Counts one.
    #[inline]
    pub fn count(&mut self, what: Count) {
        self.counts[what as usize] += 1;
    }

    /// Counts several.
    #[inline]
    pub fn add(&mut self, what: Count, number: u64) {
        self.counts[what as usize] += number;
    }

    /// How many there were.
    #[must_use]
    pub const fn get(&self, what: Count) -> u64 {
        self.counts[what as usize]
    }

    /// Counts a failed call of a caller.
    pub fn fail(&mut self, why: Failure) {
        self.failures[why as usize] += 1;
    }

    /// Counts a failed call of a callee.
    pub fn fail_callee(&mut self, why: Failure) {
        self.callee_failures[why as usize] += 1;
    }

    /// Failed calls of callers for this reason.
    #[must_use]
    pub const fn failures(&self, why: Failure) -> u64 {
        self.failures[why as usize]
    }

    /// Failed calls of callees for this reason.
    #[must_use]
    pub const fn callee_failures(&self, why: Failure) -> u64 {
        self.callee_failures[why as usize]
    }

    /// All failed calls of callers.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.failures.iter().sum()
    }

    /// All failed calls of callees.
    #[must_use]
    pub fn callee_failed(&self) -> u64 {
        self.callee_failures.iter().sum()
    }

    /// Adds all that `other` counted.
    pub fn merge(&mut self, other: &Self) {
        add_all(&mut self.counts, &other.counts);
        add_all(&mut self.failures, &other.failures);
        add_all(&mut self.callee_failures, &other.callee_failures);
        self.codes.merge(&other.codes);
    }
}

/// Adds number by number.
fn add_all(sums: &mut [u64], numbers: &[u64]) {
    for (sum, number) in sums.iter_mut().zip(numbers) {
        *sum += number;
    }
}

/// Counts of response codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusCodes {
    counts: Box<[u64]>,
}

const CODE_MIN: u16 = 100;
const CODE_MAX: u16 = 699;

impl Default for StatusCodes {
    fn default() -> Self {
        Self { counts: vec![0; usize::from(CODE_MAX - CODE_MIN) + 1].into_boxed_slice() }
    }
}

impl StatusCodes {
    /// Counts a response; a code outside of 100 to 699 is not counted.
    #[inline]
    pub fn count(&mut self, code: u16) {
        let index = usize::from(code.wrapping_sub(CODE_MIN));
        if let Some(count) = self.counts.get_mut(index) {
            *count += 1;
        }
    }

    /// Codes that came, in rising order, and how often.
    pub fn iter(&self) -> impl Iterator<Item = (u16, u64)> + '_ {
        (CODE_MIN..=CODE_MAX).zip(self.counts.iter().copied()).filter(|(_, count)| *count > 0)
    }

    /// Adds all that `other` counted.
    pub fn merge(&mut self, other: &Self) {
        add_all(&mut self.counts, &other.counts);
    }
}
