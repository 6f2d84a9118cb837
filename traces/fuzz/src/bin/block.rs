//! A binary trace with right checksums: the input is its columns, where its block begins, the number of events, the
//! length of the provenance, the provenance, and the payload. What is read is carried by both formats.
#![no_main]

use heaprace_recorder::htrace::block::BLOCK_MAGIC;
use heaprace_recorder::htrace::{Index, IndexEntry, MAGIC, VERSION};
use libfuzzer_sys::fuzz_target;

/// The bytes before the provenance.
const HEAD_BYTES: usize = 1 + 32 + 2 + 2;

fuzz_target!(|bytes: &[u8]| {
    let Some((head, rest)) = bytes.split_at_checked(HEAD_BYTES) else { return };
    let u16_at = |at: usize| u16::from_le_bytes([head[at], head[at + 1]]);
    let (events, provenance_bytes) = (u32::from(u16_at(33)), usize::from(u16_at(35)));
    let Some((provenance, payload)) = rest.split_at_checked(provenance_bytes) else { return };
    let mut file = MAGIC.to_vec();
    file.extend(VERSION.to_le_bytes());
    file.extend(u16::from(head[0]).to_le_bytes());
    file.extend((provenance.len() as u32).to_le_bytes());
    file.extend(provenance);
    file.extend(crc32fast::hash(&file).to_le_bytes());
    let offset = file.len();
    let mut block = BLOCK_MAGIC.to_vec();
    for number in [0, events, payload.len() as u32, crc32fast::hash(payload)] {
        block.extend(number.to_le_bytes());
    }
    block.extend(&head[1..33]);
    block.extend(crc32fast::hash(&block).to_le_bytes());
    block.extend(payload);
    file.extend(block);
    let mut index = Index::default();
    index.push(IndexEntry { offset: offset as u64, events });
    file.extend(index.to_bytes(file.len() as u64));
    if let Some(content) = traces_fuzz::content("fuzz.htrace", &file) {
        traces_fuzz::assert_carried(&content);
    }
});
