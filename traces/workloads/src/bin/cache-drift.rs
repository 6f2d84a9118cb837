//! `cache-drift`: a cache with the crate lru that runs for long, while the sizes of what it holds drift.
//!
//! In the beginning the values are small: rows. Over the run, more and more of them are large: pages, and then pictures. The cache
//! has a limit in bytes, so a large value drives out many small ones, and when the drift goes back, the other way round. It is the
//! process that never restarts, in which holes of yesterday's size must serve today's requests.

use std::collections::BTreeMap;
use std::hash::{BuildHasherDefault, DefaultHasher};

use lru::LruCache;
use workloads::Sequence;

workloads::allocator!("cache-drift.htrace");

const REQUESTS: usize = 40_000;
const LIMIT_BYTES: usize = 3 << 20;
/// The run is this many times there and back, from rows to pictures to rows.
const DRIFTS: usize = 2;

/// Keys are hashed with a fixed key instead of a random one: the same buckets in every run.
type FixedState = BuildHasherDefault<DefaultHasher>;

struct Entry {
    body: Box<[u8]>,
    /// Facts about the body, of which some entries have many.
    headers: Vec<(&'static str, String)>,
}

impl Entry {
    fn bytes(&self) -> usize {
        self.body.len() + self.headers.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>()
    }
}

fn main() {
    let mut cache: LruCache<String, Entry, FixedState> = LruCache::unbounded_with_hasher(FixedState::default());
    let mut world = Sequence::new(29);
    let (mut held_bytes, mut hits, mut evicted) = (0, 0, 0);
    let mut hits_by_kind: BTreeMap<&str, u32> = BTreeMap::new();
    for request in 0..REQUESTS {
        let kind = kind(&mut world, request);
        let key = format!("{kind}/{}", world.mostly_low(15_000));
        if cache.get(&key).is_some() {
            hits += 1;
            *hits_by_kind.entry(kind).or_default() += 1;
            continue;
        }
        let entry = fetch(&mut world, kind);
        held_bytes += entry.bytes();
        if let Some((_, old)) = cache.push(key, entry) {
            held_bytes -= old.bytes();
        }
        while held_bytes > LIMIT_BYTES {
            let Some((_, old)) = cache.pop_lru() else { break };
            held_bytes -= old.bytes();
            evicted += 1;
        }
    }
    println!("{REQUESTS} requests, {hits} hits {hits_by_kind:?}, {evicted} entries driven out, {} held", cache.len());
}

/// What is asked for: at first rows, then pages, then pictures, and back.
fn kind(world: &mut Sequence, request: usize) -> &'static str {
    // From 0 to 1000 and back, once a drift.
    let at = request * DRIFTS * 2000 / REQUESTS % 2000;
    let drift = if at < 1000 { at } else { 2000 - at };
    match world.below(1000) + drift {
        0..900 => "row",
        900..1700 => "page",
        _ => "picture",
    }
}

/// What the cache has not got, as the store behind it sends it: in pieces, and then at its exact size.
fn fetch(world: &mut Sequence, kind: &'static str) -> Entry {
    let (least, spread, headers) = match kind {
        "row" => (40, 200, 0),
        "page" => (800, 6_000, 3),
        _ => (8_000, 90_000, 2),
    };
    let size = least + world.mostly_low(spread);
    let mut received = Vec::new();
    while received.len() < size {
        let piece = (size - received.len()).min(4096);
        received.resize(received.len() + piece, received.len() as u8);
    }
    let headers = ["etag", "content-type", "cache-control"][..headers]
        .iter()
        .map(|&name| (name, format!("{:x}", world.below(1 << (8 + 12 * name.len() / 4)))))
        .collect();
    Entry { body: received.into_boxed_slice(), headers }
}
