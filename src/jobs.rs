//! Jobs that may take long, and the way to whoever does them and back: a worker orders, the
//! helper answers into the worker's mailbox. Nobody waits at either end.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

/// Names and values of an environment.
pub type Environment = Vec<(Vec<u8>, Vec<u8>)>;

/// A command for the shell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShellCommand {
    /// What the shell reads. Nothing that came from the network may stand in it.
    pub line: Vec<u8>,
    /// What it finds in its environment beside what the server has there.
    pub environment: Environment,
    /// What it finds on its standard input.
    pub input: Vec<u8>,
    /// Whether what it writes on its standard output is kept.
    pub wants_output: bool,
    /// How long it may take, the time in which it waits for its turn included (milliseconds).
    pub time_ms: u64,
}

impl ShellCommand {
    /// Bytes that it keeps, about.
    #[must_use]
    pub fn size(&self) -> usize {
        let environment = self.environment.iter().map(|(name, value)| name.len() + value.len());
        self.line.len() + self.input.len() + environment.sum::<usize>()
    }
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By itself, with this status.
    Exited(i32),
    /// By a signal that was not ours.
    Killed,
    /// It was not finished in its time and was killed, or its turn never came.
    Late,
    /// It wrote more than is kept ([`crate::limits::COMMAND_OUTPUT_BYTES_MAX`]) and was killed.
    TooLoud,
    /// The system did not start it, or nobody is there to do so.
    NotStarted,
}

/// What became of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// How it ended.
    pub ending: Ending,
    /// What it wrote.
    pub output: Vec<u8>,
}

/// An answer on its way to the one who ordered.
#[derive(Debug)]
pub struct Completion {
    /// The number that the job was ordered with.
    pub job: u64,
    /// The answer.
    pub answer: Answer,
}

/// A command and who wants to know its end. It is answered once, also if it is lost.
#[derive(Debug)]
pub struct Order {
    /// The command.
    pub command: ShellCommand,
    job: u64,
    /// Where the answer goes; nowhere once it is given.
    answer_to: Option<Address<Completion>>,
}

impl Order {
    /// Gives the answer.
    pub fn answer(mut self, answer: Answer) {
        self.tell(answer);
    }

    /// Gives the answer unless it is given.
    fn tell(&mut self, answer: Answer) {
        if let Some(address) = self.answer_to.take() {
            address.send(Completion { job: self.job, answer });
        }
    }
}

impl Drop for Order {
    fn drop(&mut self) {
        self.tell(Answer { ending: Ending::NotStarted, output: Vec::new() });
    }
}

/// How a worker orders jobs. By default there is nobody to do them.
#[derive(Clone, Debug, Default)]
pub struct JobQueue {
    ways: Option<(Address<Order>, Address<Completion>)>,
}

impl JobQueue {
    /// Orders go to `orders`, answers come to `answers`.
    #[must_use]
    pub const fn new(orders: Address<Order>, answers: Address<Completion>) -> Self {
        Self { ways: Some((orders, answers)) }
    }

    /// Whether anybody does what is ordered.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.ways.is_some()
    }

    /// Orders a command. How many there are at once is bounded by who waits for them
    /// ([`crate::limits::SUSPENDED_COUNT_MAX`]).
    pub fn order(&self, job: u64, command: ShellCommand) {
        if let Some((orders, answers)) = &self.ways {
            orders.send(Order { command, job, answer_to: Some(answers.clone()) });
        }
    }
}

/// What was sent to an [`Address`].
#[derive(Debug)]
pub struct Mailbox<T> {
    receiver: Receiver<T>,
    address: Address<T>,
}

/// A way to a [`Mailbox`].
pub struct Address<T> {
    sender: Sender<T>,
    bell: Arc<Bell>,
}

/// Wakes the owner of a mailbox.
#[derive(Default)]
struct Bell {
    ring: OnceLock<Ring>,
    /// Whether the owner was woken by an offer and has not looked since: many cost one ring.
    has_rung: AtomicBool,
}

/// What wakes somebody.
type Ring = Box<dyn Fn() + Send + Sync>;

impl<T> Mailbox<T> {
    /// An empty mailbox.
    #[must_use]
    pub fn new() -> Self {
        Self::of(unbounded())
    }

    /// An empty mailbox with room for so many things.
    #[must_use]
    pub fn bounded(capacity: usize) -> Self {
        Self::of(bounded(capacity))
    }

    /// A mailbox of the ends of a channel.
    fn of((sender, receiver): (Sender<T>, Receiver<T>)) -> Self {
        Self { receiver, address: Address { sender, bell: Arc::default() } }
    }

    /// A way to it.
    #[must_use]
    pub fn address(&self) -> Address<T> {
        self.address.clone()
    }

    /// Has `ring` called, by the sender, when something was sent. The first one counts.
    pub fn set_bell(&self, ring: impl Fn() + Send + Sync + 'static) {
        let _ = self.address.bell.ring.set(Box::new(ring));
    }

    /// Whether nothing is there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.receiver.is_empty()
    }

    /// Takes the oldest thing out.
    pub fn take(&self) -> Option<T> {
        let bell = &self.address.bell;
        if bell.has_rung.load(Ordering::Relaxed) {
            // Before looking: what is sent from now on rings again.
            bell.has_rung.swap(false, Ordering::AcqRel);
        }
        self.receiver.try_recv().ok()
    }
}

impl<T> Default for Mailbox<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Address<T> {
    /// Sends something. What is sent to nobody is dropped.
    pub fn send(&self, thing: T) {
        if self.sender.send(thing).is_ok()
            && let Some(ring) = self.bell.ring.get()
        {
            ring();
        }
    }

    /// Sends something if there is room for it. The bell rings unless it has done so since the
    /// owner took something out last, or found nothing.
    #[must_use]
    pub fn offer(&self, thing: T) -> bool {
        let is_sent = self.sender.try_send(thing).is_ok();
        if is_sent
            && let Some(ring) = self.bell.ring.get()
            && !self.bell.has_rung.swap(true, Ordering::AcqRel)
        {
            ring();
        }
        is_sent
    }
}

impl<T> Clone for Address<T> {
    fn clone(&self) -> Self {
        Self { sender: self.sender.clone(), bell: Arc::clone(&self.bell) }
    }
}

impl<T> fmt::Debug for Address<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Address").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn an_order_is_answered_once_and_the_bell_rings() {
        let (orders, answers) = (Mailbox::new(), Mailbox::new());
        let rings = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&rings);
        answers.set_bell(move || {
            counted.fetch_add(1, Ordering::Relaxed);
        });
        let queue = JobQueue::new(orders.address(), answers.address());
        queue.order(7, ShellCommand::default());
        let answer = Answer { ending: Ending::Exited(0), output: b"x".to_vec() };
        orders.take().unwrap().answer(answer.clone());
        let completion = answers.take().unwrap();
        assert_eq!((completion.job, completion.answer), (7, answer));
        assert!(answers.is_empty() && answers.take().is_none());
        assert_eq!(rings.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn an_order_that_is_lost_is_answered_too() {
        let (orders, answers) = (Mailbox::new(), Mailbox::new());
        let queue = JobQueue::new(orders.address(), answers.address());
        queue.order(1, ShellCommand::default());
        drop(orders.take());
        queue.order(2, ShellCommand::default());
        drop(orders);
        queue.order(3, ShellCommand::default());
        let endings = std::iter::from_fn(|| answers.take());
        let endings: Vec<_> = endings.map(|it| (it.job, it.answer.ending)).collect();
        let lost = Ending::NotStarted;
        assert_eq!(endings, [(1, lost), (2, lost), (3, lost)]);
    }

    #[test]
    fn a_bell_rings_once_until_somebody_has_looked() {
        let letters = Mailbox::bounded(3);
        let rings = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&rings);
        letters.set_bell(move || {
            counted.fetch_add(1, Ordering::Relaxed);
        });
        let address = letters.address();
        assert!((0..3).all(|letter| address.offer(letter)));
        assert!(!address.offer(3), "it is full");
        assert_eq!(rings.load(Ordering::Relaxed), 1);
        assert_eq!(letters.take(), Some(0));
        assert!(address.offer(4));
        assert_eq!(rings.load(Ordering::Relaxed), 2);
        assert_eq!(std::iter::from_fn(|| letters.take()).collect::<Vec<_>>(), [1, 2, 4]);
    }

    #[test]
    fn a_queue_with_nobody_behind_it_is_closed() {
        let queue = JobQueue::default();
        assert!(!queue.is_open());
        queue.order(1, ShellCommand::default());
    }
}
