//! Disjoint blocks by offset.

use core::alloc::Layout;
use core::hash::{BuildHasherDefault, Hasher};
use std::collections::{BTreeSet, HashMap};

/// Bytes of a line, as a power of two.
const LINE_BITS: u32 = 7;

/// Lines of a page: as many as a word has bits.
const LINES: usize = 64;

/// Bytes of a page, as a power of two.
const PAGE_BITS: u32 = LINE_BITS + LINES.ilog2();

/// No entry.
const NONE: u32 = u32::MAX;

/// Disjoint blocks by their offsets, with a value for each.
///
/// Blocks that begin in the same 128 bytes, a line, form a list; 64 lines form a page, which exists while a block begins
/// in it. Neighbours in the heap are neighbours here, and a block has few others in its line, so that an operation takes
/// a few steps however many blocks there are. A page takes less than 300 bytes, and an entry 32 with a value of 8.
#[derive(Clone, Debug)]
pub(super) struct Blocks<T> {
    entries: Vec<Entry<T>>,
    /// The list of unused entries.
    unused: u32,
    pages: Vec<Page>,
    unused_pages: Vec<u32>,
    /// The page of each number; a number is an offset divided by the size of a page.
    page_of: HashMap<usize, u32, BuildHasherDefault<NumberHasher>>,
    /// The numbers of all pages.
    numbers: BTreeSet<usize>,
}

#[derive(Clone, Debug)]
struct Page {
    /// The lines that have blocks.
    lines: u64,
    /// The last block of each line.
    last: [u32; LINES],
}

#[derive(Clone, Copy, Debug)]
struct Entry<T> {
    offset: usize,
    bytes: usize,
    value: T,
    /// The block before it in its line.
    before: u32,
    align_log2: u8,
}

impl<T: Copy> Entry<T> {
    fn layout(&self) -> Layout {
        Layout::from_size_align(self.bytes, 1 << self.align_log2).expect("it was taken from a layout")
    }
}

impl<T: Copy> Blocks<T> {
    pub(super) fn new() -> Self {
        Blocks {
            entries: Vec::new(),
            unused: NONE,
            pages: Vec::new(),
            unused_pages: Vec::new(),
            page_of: HashMap::default(),
            numbers: BTreeSet::new(),
        }
    }

    /// The last block that begins before `end`, and its size.
    #[inline]
    pub(super) fn last_before(&self, end: usize) -> Option<(usize, usize)> {
        let last = end.checked_sub(1)?;
        let here = self.page(last).and_then(|page| self.last_up_to(page, last));
        let entry = here.or_else(|| {
            let number = self.numbers.range(..number(last)).next_back()?;
            let page = &self.pages[self.page_of[number] as usize];
            Some(&self.entries[page.last[page.lines.ilog2() as usize] as usize])
        })?;
        Some((entry.offset, entry.bytes))
    }

    /// The last block of this page that begins at `last` or before.
    #[inline]
    fn last_up_to(&self, page: &Page, last: usize) -> Option<&Entry<T>> {
        let line = line(last);
        let in_line = self.list(page.last[line]).find(|entry| entry.offset <= last);
        in_line.or_else(|| {
            let line = (page.lines & ((1 << line) - 1)).checked_ilog2()?;
            Some(&self.entries[page.last[line as usize] as usize])
        })
    }

    pub(super) fn insert(&mut self, offset: usize, layout: Layout, value: T) {
        let page = self.page_or_new(number(offset)) as usize;
        let (mut above, mut below) = (NONE, self.pages[page].last[line(offset)]);
        while let Some(entry) = self.entries.get(below as usize)
            && entry.offset > offset
        {
            (above, below) = (below, entry.before);
        }
        let align_log2 = layout.align().ilog2() as u8;
        let new = self.new_entry(Entry { offset, bytes: layout.size(), value, before: below, align_log2 });
        self.pages[page].lines |= 1 << line(offset);
        *self.link(page, offset, above) = new;
    }

    #[inline]
    pub(super) fn get(&self, offset: usize) -> Option<(Layout, T)> {
        let page = self.page(offset)?;
        let entry = self.list(page.last[line(offset)]).find(|entry| entry.offset == offset)?;
        Some((entry.layout(), entry.value))
    }

    pub(super) fn remove(&mut self, offset: usize) -> Option<(Layout, T)> {
        let page_index = *self.page_of.get(&number(offset))?;
        let page = page_index as usize;
        let (mut above, mut index) = (NONE, self.pages[page].last[line(offset)]);
        let entry = loop {
            let entry = *self.entries.get(index as usize)?;
            if entry.offset == offset {
                break entry;
            }
            (above, index) = (index, entry.before);
        };
        *self.link(page, offset, above) = entry.before;
        self.entries[index as usize].before = self.unused;
        self.unused = index;
        let Page { lines, last } = &mut self.pages[page];
        if last[line(offset)] == NONE {
            *lines &= !(1 << line(offset));
            if *lines == 0 {
                self.page_of.remove(&number(offset));
                self.numbers.remove(&number(offset));
                self.unused_pages.push(page_index);
            }
        }
        Some((entry.layout(), entry.value))
    }

    /// All offsets, in order.
    pub(super) fn offsets(&self) -> impl Iterator<Item = usize> + '_ {
        self.numbers.iter().flat_map(|number| {
            let page = &self.pages[self.page_of[number] as usize];
            let mut offsets: Vec<_> = page.last.iter().flat_map(|&last| self.list(last)).map(|e| e.offset).collect();
            offsets.sort_unstable();
            offsets
        })
    }

    /// What leads to the next block of the line of `offset` below this one; `NONE` stands for the line itself.
    fn link(&mut self, page: usize, offset: usize, above: u32) -> &mut u32 {
        match self.entries.get_mut(above as usize) {
            Some(above) => &mut above.before,
            None => &mut self.pages[page].last[line(offset)],
        }
    }

    fn new_entry(&mut self, entry: Entry<T>) -> u32 {
        let new = self.unused;
        if let Some(unused) = self.entries.get_mut(new as usize) {
            self.unused = unused.before;
            *unused = entry;
            return new;
        }
        self.entries.push(entry);
        u32::try_from(self.entries.len() - 1).ok().filter(|&new| new != NONE).expect("fewer than 2^32 live blocks")
    }

    /// A block and those before it in its line.
    #[inline]
    fn list(&self, mut index: u32) -> impl Iterator<Item = &Entry<T>> {
        core::iter::from_fn(move || {
            // No entry has the index `NONE`.
            let entry = self.entries.get(index as usize)?;
            index = entry.before;
            Some(entry)
        })
    }

    #[inline]
    fn page(&self, offset: usize) -> Option<&Page> {
        self.page_of.get(&number(offset)).map(|&page| &self.pages[page as usize])
    }

    #[inline]
    fn page_or_new(&mut self, number: usize) -> u32 {
        if let Some(&page) = self.page_of.get(&number) {
            return page;
        }
        let page = self.unused_pages.pop().unwrap_or_else(|| {
            // There are no more pages than entries.
            self.pages.push(Page { lines: 0, last: [NONE; LINES] });
            self.pages.len() as u32 - 1
        });
        self.page_of.insert(number, page);
        self.numbers.insert(number);
        page
    }
}

fn number(offset: usize) -> usize {
    offset >> PAGE_BITS
}

fn line(offset: usize) -> usize {
    offset >> LINE_BITS & (LINES - 1)
}

/// Hashes a page's number. Numbers follow from what a contender does, so nobody chooses them to collide.
#[derive(Clone, Debug, Default)]
struct NumberHasher(u64);

impl Hasher for NumberHasher {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_usize(byte.into());
        }
    }

    fn write_usize(&mut self, number: usize) {
        self.0 = (self.0 ^ number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    /// The upper bits are the better mixed ones, and the map takes the lower ones.
    fn finish(&self) -> u64 {
        self.0.rotate_left(26)
    }
}
