//! Number and spacing of the size classes.

use core::marker::PhantomData;

use crate::bins::Bin;

/// The smallest block, and the unit of all blocks: every block begins at a multiple of it.
pub(crate) const UNIT: usize = 16;

/// The sizes of small blocks.
///
/// # Safety
///
/// The allocator trusts the numbers:
/// - `Bins` has [`COUNT`](Self::COUNT) bins, and [`count`](Self::count) is at most that and at least one;
/// - [`class_of`](Self::class_of), for a size of at most [`largest`](Self::largest), is the lowest class that is not
///   smaller, counted from 0;
/// - [`bytes_of`](Self::bytes_of), for a class below `count`, is a multiple of 16, is larger than that of the class
///   below, and for the last class is `largest`, which is at most 2 GiB;
/// - none of them changes while there is an allocator with these classes.
pub unsafe trait SizeClasses {
    /// The bins: an array.
    type Bins: AsRef<[Bin]> + AsMut<[Bin]>;

    /// Bins without blocks.
    const EMPTY: Self::Bins;

    /// The number of classes, or of bins for as many as there may be.
    const COUNT: usize;

    /// Bytes of the largest class, or of the largest that there may be.
    const LARGEST: usize;

    /// The number of classes.
    #[inline(always)]
    fn count() -> usize {
        Self::COUNT
    }

    /// Bytes of the largest class.
    #[inline(always)]
    fn largest() -> usize {
        Self::LARGEST
    }

    /// The class of a request of this size, which is at most [`largest`](Self::largest).
    fn class_of(size: usize) -> usize;

    /// The size of a class in bytes.
    fn bytes_of(class: usize) -> usize;

    /// The largest class of at most this many bytes. `None` if they are too few for any.
    fn class_within(bytes: usize) -> Option<usize> {
        let class = Self::class_of(bytes.min(Self::largest()));
        if Self::bytes_of(class) <= bytes { Some(class) } else { class.checked_sub(1) }
    }
}

/// `N` classes of 16, 32, 64, 128, … bytes, each twice the one before.
///
/// The class is the number of a size's bits: the smallest code. A block is up to half unused. The spacing of Kingsley's
/// malloc (4.2BSD, 1983) and of lite-alloc, whose four classes end at 128 bytes.
#[derive(Clone, Copy, Debug)]
pub struct PowersOfTwo<const N: usize>;

impl<const N: usize> PowersOfTwo<N> {
    /// The sizes in bytes.
    pub const BYTES: [usize; N] = {
        let mut bytes = [0; N];
        let mut class = 0;
        while class < N {
            bytes[class] = UNIT << class;
            class += 1;
        }
        bytes
    };
}

// SAFETY: the class of a size is the number of bits in the offset of its last byte, from 4 bits on, so that
// `16 << class` is the next power of two. Up to 27 classes end at 1 GiB.
unsafe impl<const N: usize> SizeClasses for PowersOfTwo<N> {
    type Bins = [Bin; N];
    const EMPTY: [Bin; N] = [const { Bin::EMPTY }; N];
    const COUNT: usize = N;
    const LARGEST: usize = {
        assert!(N > 0 && N <= 27);
        UNIT << (N - 1)
    };

    #[inline]
    fn class_of(size: usize) -> usize {
        // The number of bits in the last byte's offset: 4 for up to 16 bytes, 5 for up to 32, and so on.
        let last = size.saturating_sub(1) | (UNIT - 1);
        (usize::BITS - 4 - last.leading_zeros()) as usize
    }

    #[inline]
    fn bytes_of(class: usize) -> usize {
        UNIT << class
    }
}

/// `N` classes of all multiples of 16 bytes.
///
/// A block wastes at most 15 bytes, and many sizes mean many bins that each wait for their own size. The spacing of
/// glibc's caches of freed blocks on 64-bit machines, and of [`SweptBump`](crate::SweptBump)'s 72 bins.
#[derive(Clone, Copy, Debug)]
pub struct Multiples<const N: usize>;

// SAFETY: class `c` has 16 (c + 1) bytes, and the class of a size is how often 16 fits before its last byte.
unsafe impl<const N: usize> SizeClasses for Multiples<N> {
    type Bins = [Bin; N];
    const EMPTY: [Bin; N] = [const { Bin::EMPTY }; N];
    const COUNT: usize = N;
    const LARGEST: usize = {
        assert!(N > 0 && N <= 1 << 20);
        N * UNIT
    };

    #[inline]
    fn class_of(size: usize) -> usize {
        size.saturating_sub(1) / UNIT
    }

    #[inline]
    fn bytes_of(class: usize) -> usize {
        (class + 1) * UNIT
    }
}

/// Classes of all multiples of 16 bytes up to the largest, which [`SweptBump`](crate::SweptBump) needs.
///
/// # Safety
///
/// Class `c` has `16 (c + 1)` bytes.
pub unsafe trait EveryMultiple: SizeClasses {}

// SAFETY: see `bytes_of`.
unsafe impl<const N: usize> EveryMultiple for Multiples<N> {}

/// `N` classes: 16, 32, 48 and 64 bytes, and from there four for each doubling: 80, 96, 112, 128, 160, 192, …
///
/// A block wastes a fifth at most, above 64 bytes, and large sizes need few classes. The spacing of jemalloc and of
/// mimalloc, and, between its lists, of [`SweptBump`](crate::SweptBump)'s free runs.
#[derive(Clone, Copy, Debug)]
pub struct FourSteps<const N: usize>;

impl<const N: usize> FourSteps<N> {
    #[inline]
    const fn bytes(class: usize) -> usize {
        if class < 4 { (class + 1) * UNIT } else { (5 + class % 4) << (class / 4 + 3) }
    }
}

// SAFETY: from class 4 on, class `4 d + s` ends at `(5 + s) 2^(d + 3)` bytes: four steps of a quarter from `2^(d + 5)`
// to `2^(d + 6)`. The offset of a size's last byte has `d + 6` bits, and the two after the first are `s`. Up to 100
// classes end at 1 GiB.
unsafe impl<const N: usize> SizeClasses for FourSteps<N> {
    type Bins = [Bin; N];
    const EMPTY: [Bin; N] = [const { Bin::EMPTY }; N];
    const COUNT: usize = N;
    const LARGEST: usize = {
        assert!(N > 0 && N <= 100);
        Self::bytes(N - 1)
    };

    #[inline]
    fn class_of(size: usize) -> usize {
        if size <= 4 * UNIT {
            return size.saturating_sub(1) / UNIT;
        }
        let last = size - 1;
        let bits = last.ilog2() as usize;
        // 64 is 2^6, and the first class above it the fourth.
        (bits - 5) * 4 + (last >> (bits - 2)) % 4
    }

    #[inline]
    fn bytes_of(class: usize) -> usize {
        Self::bytes(class)
    }
}

/// Sizes of classes, for [`Tabled`].
pub trait ClassTable<const N: usize> {
    /// The sizes in bytes: multiples of 16, from the smallest to the largest. Others do not compile.
    const BYTES: [usize; N];
}

/// The `N` classes of any table: sizes that a program is known to need.
///
/// The class of a request is found by looking through the table, so it should be short. Kernels for
/// firmware have such pools, Zephyr's memory slabs for example.
///
/// ```
/// use segregated_bump::policies::{ClassTable, SizeClasses, Tabled};
///
/// struct Packets;
///
/// impl ClassTable<3> for Packets {
///     const BYTES: [usize; 3] = [32, 112, 1536];
/// }
///
/// assert_eq!(Tabled::<Packets, 3>::class_of(100), 1);
/// ```
#[derive(Debug)]
pub struct Tabled<T, const N: usize>(PhantomData<T>);

// SAFETY: the table is checked at compile time, where the largest size is read. The class is the first one that is
// large enough.
unsafe impl<T: ClassTable<N>, const N: usize> SizeClasses for Tabled<T, N> {
    type Bins = [Bin; N];
    const EMPTY: [Bin; N] = [const { Bin::EMPTY }; N];
    const COUNT: usize = N;
    const LARGEST: usize = {
        let mut class = 0;
        let mut below = 0;
        while class < N {
            let bytes = T::BYTES[class];
            assert!(
                bytes > below && bytes % UNIT == 0 && bytes <= 1 << 31,
                "multiples of 16, ascending, at most 2 GiB"
            );
            below = bytes;
            class += 1;
        }
        assert!(N > 0);
        below
    };

    #[inline]
    fn class_of(size: usize) -> usize {
        T::BYTES.iter().position(|&bytes| size <= bytes).unwrap_or(N - 1)
    }

    #[inline]
    fn bytes_of(class: usize) -> usize {
        T::BYTES[class]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Odd;
    impl ClassTable<4> for Odd {
        const BYTES: [usize; 4] = [32, 48, 304, 4096];
    }

    /// Checks all that `SizeClasses` promises, size by size, and returns the sizes of the classes.
    fn check<C: SizeClasses>() -> [usize; 12] {
        assert_eq!(C::EMPTY.as_ref().len(), C::COUNT);
        let mut sizes = [0; 12];
        for class in 0..C::COUNT {
            let bytes = C::bytes_of(class);
            assert_eq!((bytes % UNIT, C::class_of(bytes)), (0, class));
            assert!(class == 0 || C::bytes_of(class - 1) < bytes);
            if let Some(size) = sizes.get_mut(class) {
                *size = bytes;
            }
        }
        assert_eq!(C::bytes_of(C::COUNT - 1), C::LARGEST);
        for size in 0..=C::LARGEST {
            let class = C::class_of(size);
            assert!(size <= C::bytes_of(class) && (class == 0 || size > C::bytes_of(class - 1)), "{size}");
            let within = C::class_within(size);
            assert!(within.is_none_or(|class| C::bytes_of(class) <= size), "{size}");
            let next = within.map_or(0, |class| class + 1);
            assert!(next == C::COUNT || C::bytes_of(next) > size, "{size}");
        }
        assert_eq!(C::class_within(usize::MAX), Some(C::COUNT - 1));
        sizes
    }

    #[test]
    fn each_size_has_the_lowest_class_that_is_not_smaller() {
        assert_eq!(check::<PowersOfTwo<4>>()[..4], PowersOfTwo::<4>::BYTES);
        assert_eq!(check::<PowersOfTwo<1>>()[0], 16);
        assert_eq!(check::<PowersOfTwo<12>>(), PowersOfTwo::<12>::BYTES);
        assert_eq!(check::<Multiples<40>>(), [16, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192]);
        assert_eq!(check::<FourSteps<40>>(), [16, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256]);
        check::<FourSteps<3>>();
        check::<FourSteps<5>>();
        assert_eq!(check::<Tabled<Odd, 4>>()[..4], Odd::BYTES);
    }
}
