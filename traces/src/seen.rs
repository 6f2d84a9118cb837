//! Which numbers there were so far. The addresses that a recording has used distinguish a block that is older than the
//! recording from one that ends twice.

use heaprace_recorder::IdMap;

/// Bits of an address that do not count: no allocator places blocks closer together than 8 bytes.
const ADDRESS_GRANULE_BITS: u32 = 3;
/// Granules with one entry of the table: with addresses, those of 4 KiB.
const PAGE_GRANULE_BITS: u32 = 9;

/// Pages with entries: as many as all numbers of 32 bits have, or 32 GiB of addresses. Without a limit, a recording of
/// made-up addresses would fill the memory.
const MOST_PAGES: usize = 1 << 23;

/// A set of addresses or numbers, by pages of bits. It grows with the span of addresses that the program has used, by
/// 1/64 of it at most, and so with the peak of its heap, not with the events. It takes up to 1 GB; then, numbers in
/// further pages are not added.
#[derive(Debug)]
pub(crate) struct Seen {
    granule_bits: u32,
    most_pages: usize,
    pages: IdMap<[u64; 1 << (PAGE_GRANULE_BITS - 6)]>,
}

impl Default for Seen {
    /// An empty set of numbers.
    fn default() -> Self {
        Seen::new(false)
    }
}

impl Seen {
    /// An empty set, of addresses or of numbers.
    pub(crate) fn new(addresses: bool) -> Self {
        let granule_bits = if addresses { ADDRESS_GRANULE_BITS } else { 0 };
        Seen { granule_bits, most_pages: MOST_PAGES, pages: IdMap::default() }
    }

    /// Adds an address or number. Returns whether it is new, and was added.
    #[inline]
    pub(crate) fn insert(&mut self, address: u64) -> bool {
        let (page, word, bit) = self.place(address);
        if self.pages.len() >= self.most_pages && !self.pages.contains_key(&page) {
            return false;
        }
        let bits = &mut self.pages.entry(page).or_default()[word];
        let is_new = *bits & bit == 0;
        *bits |= bit;
        is_new
    }

    /// Whether the number, or an address in the same 8 bytes, was added.
    pub(crate) fn contains(&self, address: u64) -> bool {
        let (page, word, bit) = self.place(address);
        self.pages.get(&page).is_some_and(|words| words[word] & bit != 0)
    }

    #[inline]
    fn place(&self, address: u64) -> (u64, usize, u64) {
        let granule = address >> self.granule_bits;
        let in_page = granule & ((1 << PAGE_GRANULE_BITS) - 1);
        (granule >> PAGE_GRANULE_BITS, (in_page >> 6) as usize, 1 << (in_page & 63))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_there_and_nothing_else() {
        for (addresses, apart) in [(true, 8), (false, 1)] {
            let mut seen = Seen::new(addresses);
            let added = [apart, 512 * apart - apart, 512 * apart, u64::MAX - (apart - 1)];
            assert!(added.iter().all(|&address| seen.insert(address)));
            assert!(!added.iter().any(|&address| seen.insert(address)), "it is there already");
            for address in added.iter().flat_map(|&at| [at - apart, at, at.wrapping_add(apart)]) {
                assert_eq!(seen.contains(address), added.contains(&address), "{address:#x}");
            }
        }
    }

    #[test]
    fn no_page_is_added_past_the_most() {
        let mut seen = Seen { most_pages: 2, ..Seen::new(false) };
        assert!([0, 512, 1, 513].iter().all(|&number| seen.insert(number)));
        assert!(!seen.insert(1024) && !seen.contains(1024));
        assert!(seen.insert(2) && seen.contains(513));
    }
}
