//! A column of numbers that are mostly small: a byte each, and the larger ones in a column of their own.

/// In place of a number's byte: the number is the next two bytes of the far column.
const FAR_2: u8 = 254;
/// In place of a number's byte: the number is the next eight bytes of the far column.
const FAR_8: u8 = 255;

/// The two parts of a column. Numbers compress best if their bytes are alike, so the rare large ones have a part of
/// their own.
#[derive(Debug, Default)]
pub struct Column {
    /// A byte for each number.
    pub near: Vec<u8>,
    /// The numbers that do not fit a byte, in 2 or 8 bytes each.
    pub far: Vec<u8>,
}

/// How much of a column has been read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Position {
    near: usize,
    far: usize,
}

impl Column {
    /// Appends a number.
    pub fn push(&mut self, number: u64) {
        if number < u64::from(FAR_2) {
            self.near.push(number as u8);
        } else if let Ok(number) = u16::try_from(number) {
            self.near.push(FAR_2);
            self.far.extend_from_slice(&number.to_le_bytes());
        } else {
            self.near.push(FAR_8);
            self.far.extend_from_slice(&number.to_le_bytes());
        }
    }

    /// Whether the column has exactly `count` numbers, each with all of its bytes.
    pub fn holds(&self, count: usize) -> bool {
        // Two passes over bytes, which the compiler does many at once.
        let far_2 = self.near.iter().filter(|&&byte| byte == FAR_2).count();
        let far_8 = self.near.iter().filter(|&&byte| byte == FAR_8).count();
        self.near.len() == count && self.far.len() == 2 * far_2 + 8 * far_8
    }

    /// The next number; 0 past the end, which no reader reaches that has checked [`holds`](Self::holds).
    #[inline(always)]
    pub fn next(&self, position: &mut Position) -> u64 {
        let near = self.near.get(position.near).copied().unwrap_or(0);
        position.near += 1;
        if near < FAR_2 { u64::from(near) } else { self.next_far(near, position) }
    }

    #[inline]
    fn next_far(&self, near: u8, position: &mut Position) -> u64 {
        let length = if near == FAR_2 { 2 } else { 8 };
        let mut bytes = [0; 8];
        if let Some(number) = self.far.get(position.far..position.far + length) {
            bytes[..length].copy_from_slice(number);
        }
        position.far += length;
        u64::from_le_bytes(bytes)
    }
}

/// The distance from one number to another, encoded so that short distances in both directions are small numbers: 0,
/// −1, 1, −2, 2 are 0 to 4. Numbers wrap around, so any two have a distance.
#[inline]
pub fn distance(from: u64, to: u64) -> u64 {
    let difference = to.wrapping_sub(from) as i64;
    ((difference << 1) ^ (difference >> 63)) as u64
}

/// The number at a [`distance`] from another one.
#[inline(always)]
pub fn go(from: u64, distance: u64) -> u64 {
    from.wrapping_add((distance >> 1) ^ (distance & 1).wrapping_neg())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        let numbers = [0, 1, 253, 254, 255, 256, 65535, 65536, u64::MAX, 7];
        let mut column = Column::default();
        numbers.iter().for_each(|&number| column.push(number));
        assert!(column.holds(numbers.len()) && !column.holds(numbers.len() - 1));
        let mut position = Position::default();
        assert_eq!(numbers.map(|_| column.next(&mut position)), numbers);
        column.far.pop();
        assert!(!column.holds(numbers.len()), "a byte is missing");
    }

    #[test]
    fn any_two_numbers_have_a_distance() {
        for (from, to) in
            [(0, 0), (5, 6), (6, 5), (0, u64::MAX), (u64::MAX, 0), (1 << 63, 0), (0, 1 << 63), (3, 1 << 40)]
        {
            assert_eq!(go(from, distance(from, to)), to);
        }
        assert_eq!([10, 9, 11, 8, 12].map(|to| distance(10, to)), [0, 1, 2, 3, 4]);
    }
}
