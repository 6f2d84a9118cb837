//! The addresses that a recording has used so far: they distinguish a block that is older than the recording from one
//! that ends twice.

use heaprace_recorder::IdMap;

/// Bits of an address that do not count: no allocator places blocks closer together than 8 bytes.
const ADDRESS_GRANULE_BITS: u32 = 3;
/// Granules with one entry of the table: with addresses, those of 4 KiB.
const PAGE_GRANULE_BITS: u32 = 9;

/// A set of addresses or numbers, by pages of bits. It grows with the span of addresses that the program has used, by
/// 1/64 of it at most, and so with the peak of its heap, not with the events.
#[derive(Debug)]
pub(super) struct Seen {
    granule_bits: u32,
    pages: IdMap<[u64; 1 << (PAGE_GRANULE_BITS - 6)]>,
}

impl Seen {
    /// An empty set, of addresses or of numbers.
    pub(super) fn new(addresses: bool) -> Self {
        Seen { granule_bits: if addresses { ADDRESS_GRANULE_BITS } else { 0 }, pages: IdMap::default() }
    }

    /// Adds an address or number.
    #[inline]
    pub(super) fn insert(&mut self, address: u64) {
        let (page, word, bit) = self.place(address);
        self.pages.entry(page).or_default()[word] |= bit;
    }

    /// Whether the number, or an address in the same 8 bytes, was added.
    pub(super) fn contains(&self, address: u64) -> bool {
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
            added.iter().for_each(|&address| seen.insert(address));
            for address in added.iter().flat_map(|&at| [at - apart, at, at.wrapping_add(apart)]) {
                assert_eq!(seen.contains(address), added.contains(&address), "{address:#x}");
            }
        }
    }
}
