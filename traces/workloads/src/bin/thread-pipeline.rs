//! `thread-pipeline`: an indexer of four threads, joined by channels: one reads, two take texts apart, one merges.
//!
//! What one thread allocates another frees: texts go from the reader to a worker, tables of words from the workers to the merger.
//! Work is dealt out in turns and merged in the same order, so every thread does the same in every run; only how the threads' events
//! lie between each other differs.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use workloads::sources;

workloads::allocator!("thread-pipeline.htrace", with threads);

const WORKERS: usize = 2;
const ROUNDS: usize = 3;
const LINES_A_TEXT: usize = 40;
/// As many texts may wait for a worker: the reader is never far ahead.
const WAITING: usize = 2;

/// A part of a file.
struct Text {
    path: String,
    first_line: usize,
    text: String,
}

/// The words of a text, each with the lines that it is on.
struct Words {
    path: String,
    lines: BTreeMap<String, Vec<usize>>,
}

/// Where a word stands: in which files, on which lines.
type Index = BTreeMap<String, BTreeMap<String, Vec<usize>>>;

fn main() {
    let (to_workers, from_reader): (Vec<_>, Vec<_>) = (0..WORKERS).map(|_| sync_channel(WAITING)).unzip();
    let (to_merger, from_workers): (Vec<_>, Vec<_>) = (0..WORKERS).map(|_| sync_channel(WAITING)).unzip();
    let index = thread::scope(|scope| {
        scope.spawn(move || read(&to_workers));
        for (texts, words) in from_reader.into_iter().zip(to_merger) {
            scope.spawn(move || work(&texts, &words));
        }
        merge(&from_workers)
    });
    let places: usize = index.values().flat_map(BTreeMap::values).map(Vec::len).sum();
    println!("{} words in {places} places, by {} threads", index.len(), WORKERS + 2);
}

/// Sends every file in parts, to each worker in turn.
fn read(to_workers: &[SyncSender<Text>]) {
    let mut turn = 0;
    for round in 0..ROUNDS {
        for (path, file) in sources() {
            let lines: Vec<&str> = file.lines().collect();
            for (part, lines) in lines.chunks(LINES_A_TEXT).enumerate() {
                let path = format!("revision {round}/{path}");
                let text = Text { path, first_line: part * LINES_A_TEXT + 1, text: lines.join("\n") };
                if to_workers[turn % WORKERS].send(text).is_err() {
                    return;
                }
                turn += 1;
            }
        }
    }
}

/// Takes texts apart into words.
fn work(texts: &Receiver<Text>, to_merger: &SyncSender<Words>) {
    for Text { path, first_line, text } in texts {
        let mut lines: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (number, line) in text.lines().enumerate() {
            for word in line.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| word.len() > 2) {
                lines.entry(word.to_lowercase()).or_default().push(first_line + number);
            }
        }
        if to_merger.send(Words { path, lines }).is_err() {
            return;
        }
    }
}

/// Takes the tables of the workers in the order in which texts were dealt out, and makes one index of them.
fn merge(from_workers: &[Receiver<Words>]) -> Index {
    let mut index = Index::new();
    for worker in from_workers.iter().cycle() {
        // The workers end in turn too: the first that has no more is the first that would have had the next.
        let Ok(Words { path, lines }) = worker.recv() else { break };
        for (word, lines) in lines {
            index.entry(word).or_default().entry(path.clone()).or_default().extend(lines);
        }
        // Only the last revision is asked for: older ones go when the next one comes.
        if let Some(old) = path.strip_prefix("revision ").and_then(|path| path.split('/').next()?.parse::<usize>().ok())
            && old > 0
        {
            let (_, file) = path.split_once('/').unwrap_or(("", &path));
            let older = format!("revision {}/{file}", old - 1);
            index.values_mut().for_each(|files| drop(files.remove(&older)));
        }
    }
    index
}
