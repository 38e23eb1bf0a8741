//! Ways to index sets of bindings.

use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, RwLock};

use arc_swap::{ArcSwap, ArcSwapOption};
use crossbeam_utils::CachePadded;
use hashbrown::{DefaultHashBuilder, HashMap};
use smallvec::SmallVec;
use viaduct::location::registrar::{Registration, Request, register};
use viaduct::location::{LocationTable, RegistrarConfig};
use viaduct::mem::ListenerId;

/// What is measured.
pub(crate) trait Table: Send + Sync {
    /// Looks a user up and touches the contact.
    fn lookup(&self, key: &[u8]) -> u64;
    /// Changes a binding in place.
    fn refresh(&self, key: &[u8], state: u32);
    /// Puts another set of bindings into the place of one, or adds it.
    fn replace(&self, key: &[u8], state: u32);
}

/// Makes a table.
type Make = fn() -> Box<dyn Table>;

/// All of them by name.
pub(crate) const CANDIDATES: &[(&str, Make)] = &[
    ("LocationTable", || Box::new(Whole(LocationTable::new()))),
    ("papaya", || Box::<Papaya>::default()),
    ("scc-index", || Box::<SccIndex>::default()),
    ("arc-swap-chains", || Box::<Chains>::default()),
    ("rwlock-hashbrown", || Box::<Locked>::default()),
];

/// Parts of those that are made of parts, and of the writers' locks.
const SHARD_COUNT: usize = 256;

type Key = SmallVec<[u8; 24]>;

/// A binding as large as a real one.
#[derive(Debug)]
struct Binding {
    state: AtomicU64,
    target: SmallVec<[u8; 64]>,
    _origin: Box<[u8]>,
    _rest: [u64; 2],
}

impl Binding {
    fn new(state: u32) -> Self {
        Self {
            state: AtomicU64::new(state.into()),
            target: SmallVec::from_slice(CONTACT),
            _origin: [CALL_ID, USER_AGENT].concat().into(),
            _rest: [0; 2],
        }
    }

    fn touch(&self) -> u64 {
        self.state.load(Ordering::Relaxed) ^ u64::from(self.target[0])
    }
}

const CONTACT: &[u8] = b"sip:user-00000000@192.168.100.100:5060";
const CALL_ID: &[u8] = b"00036bb9-0fd30217-491b6aa6-0a7092e9@192.168.2.33";
const USER_AGENT: &[u8] = b"Field Phone 4.2";

/// The locks of the writers.
struct Writers {
    hasher: DefaultHashBuilder,
    locks: Box<[CachePadded<Mutex<()>>]>,
}

impl Default for Writers {
    fn default() -> Self {
        let locks = (0..SHARD_COUNT).map(|_| CachePadded::default()).collect();
        Self { hasher: DefaultHashBuilder::default(), locks }
    }
}

impl Writers {
    fn lock(&self, key: &[u8]) -> MutexGuard<'_, ()> {
        self.locks[self.hasher.hash_one(key) as usize % SHARD_COUNT].lock().unwrap()
    }
}

/// The table of the server, by way of the registrar.
struct Whole(LocationTable);

impl Whole {
    fn register(&self, key: &[u8], call_id: &[u8], cseq: u32) {
        let contacts = [&b"<sip:user-00000000@192.168.100.100:5060>"[..]];
        let config = RegistrarConfig::DEFAULT;
        let request = Request::parse(contacts.into_iter(), Some(3_600), &config).unwrap();
        let registration = Registration {
            call_id,
            cseq,
            path: b"",
            user_agent: USER_AGENT,
            listener: ListenerId(0),
            cflags: 0,
            received: b"",
            replaces_others: false,
            newest_first: false,
            q: None,
        };
        // A CSeq that came before is refused, which costs as much as one that is accepted.
        let _ = register(&self.0, key, (&request, &registration), &config, 0);
    }
}

impl Table for Whole {
    fn lookup(&self, key: &[u8]) -> u64 {
        let first = self
            .0
            .lookup(key, |set| set.live(0).next().map(|binding| u64::from(binding.contact()[0])));
        first.flatten().unwrap_or(0)
    }

    fn refresh(&self, key: &[u8], state: u32) {
        self.register(key, CALL_ID, state);
    }

    fn replace(&self, key: &[u8], state: u32) {
        let mut call_id = [0; 48];
        call_id.copy_from_slice(CALL_ID);
        // Never the Call-ID that a refresh has.
        call_id[..4].copy_from_slice(&state.to_be_bytes());
        self.register(key, &call_id, state);
    }
}

/// A `papaya` map with the bindings in its entries.
struct Papaya {
    map: papaya::HashMap<Key, SmallVec<[Binding; 1]>, DefaultHashBuilder>,
    writers: Writers,
}

impl Default for Papaya {
    fn default() -> Self {
        let collector = seize::Collector::new().batch_size(1_024);
        let map = papaya::HashMap::builder().hasher(DefaultHashBuilder::default());
        Self { map: map.collector(collector).build(), writers: Writers::default() }
    }
}

impl Table for Papaya {
    fn lookup(&self, key: &[u8]) -> u64 {
        self.map.pin().get(key).map_or(0, |set| set[0].touch())
    }

    fn refresh(&self, key: &[u8], state: u32) {
        let _lock = self.writers.lock(key);
        if let Some(set) = self.map.pin().get(key) {
            set[0].state.store(state.into(), Ordering::Relaxed);
        }
    }

    fn replace(&self, key: &[u8], state: u32) {
        let _lock = self.writers.lock(key);
        let set = SmallVec::from_buf([Binding::new(state)]);
        self.map.pin().insert(Key::from_slice(key), set);
    }
}

/// An `scc` index. It copies entries when it grows, so the bindings must be behind a pointer: a
/// refresh of a copy that is left behind would be lost.
#[derive(Default)]
struct SccIndex {
    map: scc::HashIndex<Key, Arc<Binding>, DefaultHashBuilder>,
    writers: Writers,
}

impl Table for SccIndex {
    fn lookup(&self, key: &[u8]) -> u64 {
        self.map.peek_with(key, |_, binding| binding.touch()).unwrap_or(0)
    }

    fn refresh(&self, key: &[u8], state: u32) {
        let _lock = self.writers.lock(key);
        let store = |binding: &Binding| binding.state.store(state.into(), Ordering::Relaxed);
        self.map.peek_with(key, |_, binding| store(binding));
    }

    fn replace(&self, key: &[u8], state: u32) {
        let _lock = self.writers.lock(key);
        let binding = Arc::new(Binding::new(state));
        match self.map.entry_sync(Key::from_slice(key)) {
            scc::hash_index::Entry::Occupied(mut entry) => entry.update(binding),
            scc::hash_index::Entry::Vacant(entry) => drop(entry.insert_entry(binding)),
        }
    }
}

/// Chains of nodes behind `arc-swap` cells, in shards that grow by themselves: what can be made
/// without `unsafe`.
struct Chains {
    hasher: DefaultHashBuilder,
    shards: Box<[CachePadded<ChainShard>]>,
}

/// One shard: its cells, and how many nodes there are, under the writers' lock.
struct ChainShard {
    cells: ArcSwap<Box<[ArcSwapOption<Node>]>>,
    count: Mutex<usize>,
}

struct Node {
    hash: u64,
    key: Key,
    binding: Arc<Binding>,
    next: ArcSwapOption<Self>,
}

impl Default for Chains {
    fn default() -> Self {
        let shard = || ChainShard { cells: ArcSwap::from_pointee(cells(16)), count: Mutex::new(0) };
        let shards = (0..SHARD_COUNT).map(|_| CachePadded::new(shard())).collect();
        Self { hasher: DefaultHashBuilder::default(), shards }
    }
}

/// So many empty cells.
fn cells(count: usize) -> Box<[ArcSwapOption<Node>]> {
    (0..count).map(|_| ArcSwapOption::empty()).collect()
}

impl Chains {
    fn shard(&self, key: &[u8]) -> (u64, &ChainShard) {
        let hash = self.hasher.hash_one(key);
        (hash, &self.shards[(hash >> 56) as usize])
    }

    fn find<R>(&self, key: &[u8], use_it: impl FnOnce(&Binding) -> R) -> Option<R> {
        let (hash, shard) = self.shard(key);
        let cells = shard.cells.load();
        let mut link = cells[hash as usize & (cells.len() - 1)].load();
        loop {
            let node = link.as_ref()?;
            if node.hash == hash && node.key[..] == *key {
                return Some(use_it(&node.binding));
            }
            let next = node.next.load();
            link = next;
        }
    }
}

impl ChainShard {
    /// Doubles the cells when there are more nodes than cells.
    fn grow(&self, count: usize) {
        let old = self.cells.load_full();
        if count <= old.len() {
            return;
        }
        let new = cells(old.len() * 2);
        for cell in &*old {
            let mut link = cell.load_full();
            while let Some(node) = link {
                push(&new, node.hash, node.key.clone(), Arc::clone(&node.binding));
                link = node.next.load_full();
            }
        }
        self.cells.store(Arc::new(new));
    }
}

/// Puts a node at the front of its chain.
fn push(cells: &[ArcSwapOption<Node>], hash: u64, key: Key, binding: Arc<Binding>) {
    let cell = &cells[hash as usize & (cells.len() - 1)];
    let next = ArcSwapOption::new(cell.load_full());
    cell.store(Some(Arc::new(Node { hash, key, binding, next })));
}

impl Table for Chains {
    fn lookup(&self, key: &[u8]) -> u64 {
        self.find(key, Binding::touch).unwrap_or(0)
    }

    fn refresh(&self, key: &[u8], state: u32) {
        let _lock = self.shard(key).1.count.lock().unwrap();
        self.find(key, |binding| binding.state.store(state.into(), Ordering::Relaxed));
    }

    fn replace(&self, key: &[u8], state: u32) {
        let (hash, shard) = self.shard(key);
        let mut count = shard.count.lock().unwrap();
        let cells = shard.cells.load_full();
        let binding = Arc::new(Binding::new(state));
        let mut before: Option<Arc<Node>> = None;
        let mut link = cells[hash as usize & (cells.len() - 1)].load_full();
        while let Some(node) = link {
            if node.hash == hash && node.key[..] == *key {
                let next = ArcSwapOption::new(node.next.load_full());
                let new = Some(Arc::new(Node { hash, key: node.key.clone(), binding, next }));
                match before {
                    Some(before) => before.next.store(new),
                    None => cells[hash as usize & (cells.len() - 1)].store(new),
                }
                return;
            }
            link = node.next.load_full();
            before = Some(node);
        }
        push(&cells, hash, Key::from_slice(key), binding);
        *count += 1;
        shard.grow(*count);
    }
}

/// One of the maps of [`Locked`].
type LockedShard = CachePadded<RwLock<HashMap<Key, Binding>>>;

/// Maps behind reader-writer locks: what it costs that readers take none.
struct Locked {
    hasher: DefaultHashBuilder,
    shards: Box<[LockedShard]>,
}

impl Default for Locked {
    fn default() -> Self {
        let shards = (0..SHARD_COUNT).map(|_| CachePadded::default()).collect();
        Self { hasher: DefaultHashBuilder::default(), shards }
    }
}

impl Locked {
    fn shard(&self, key: &[u8]) -> &RwLock<HashMap<Key, Binding>> {
        &self.shards[(self.hasher.hash_one(key) >> 56) as usize]
    }
}

impl Table for Locked {
    fn lookup(&self, key: &[u8]) -> u64 {
        self.shard(key).read().unwrap().get(key).map_or(0, Binding::touch)
    }

    fn refresh(&self, key: &[u8], state: u32) {
        if let Some(binding) = self.shard(key).read().unwrap().get(key) {
            binding.state.store(state.into(), Ordering::Relaxed);
        }
    }

    fn replace(&self, key: &[u8], state: u32) {
        self.shard(key).write().unwrap().insert(Key::from_slice(key), Binding::new(state));
    }
}
