//! Changes to an input: those that break parsers, chosen by seeded chance.

/// Most bytes an input may grow to.
pub(crate) const INPUT_BYTES_MAX: usize = 32 * 1024;
/// Numbers at which parsers go wrong, as text and, where they fit, as bytes.
const NUMBERS: [u64; 12] =
    [0, 1, 2, 127, 255, 256, 65_535, 65_536, u32::MAX as u64, i64::MAX as u64, (1 << 40) + 1, u64::MAX];
/// Bytes at which parsers go wrong.
const BYTES: [u8; 14] = [0, 1, b'\n', b'\r', b' ', b'"', b'+', b',', b'=', b'\\', 0x7f, 0x80, 0xc3, 0xff];

/// Randomness that is the same in every run (xorshift, with a multiplication at the end).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `end`; 0 where that is 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { (self.next() % end as u64) as usize }
    }

    fn one_of<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.below(of.len()))
    }

    /// A place to begin and a place to end, in order.
    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let begin = self.below(length + 1);
        begin..begin + self.below((length - begin).min(64) + 1)
    }
}

/// Changes an input in one to six places. `words` are those of the format, `others` inputs to borrow from.
pub(crate) fn change(input: &[u8], words: &[&str], others: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = input.to_owned();
    for _ in 0..=dice.below(6).min(dice.below(6)) {
        change_once(&mut bytes, words, others, dice);
        bytes.truncate(INPUT_BYTES_MAX);
    }
    bytes
}

fn change_once(bytes: &mut Vec<u8>, words: &[&str], others: &[Vec<u8>], dice: &mut Dice) {
    let (at, range) = (dice.below(bytes.len()), dice.range(bytes.len()));
    match dice.below(13) {
        0 => bytes.get_mut(at).into_iter().for_each(|byte| *byte ^= 1 << (at % 8)),
        1 => bytes.get_mut(at).into_iter().for_each(|byte| *byte = BYTES[at % BYTES.len()]),
        2 => bytes.insert(at, BYTES[dice.below(BYTES.len())]),
        3 => bytes.truncate(at),
        4 => drop(bytes.drain(range)),
        5 => {
            let copy = bytes[range.clone()].to_owned();
            bytes.splice(range.start..range.start, copy);
        }
        6 => {
            let word = dice.one_of(words).copied().unwrap_or_default();
            bytes.splice(range, word.bytes());
        }
        7 => {
            let word = dice.one_of(words).copied().unwrap_or_default();
            bytes.splice(at..at, word.bytes());
        }
        8 => change_number(bytes, at, dice),
        9 => {
            let number = NUMBERS[dice.below(NUMBERS.len())].to_be_bytes();
            let from = [7, 6, 4, 0][dice.below(4)];
            bytes.iter_mut().skip(at).zip(&number[from..]).for_each(|(byte, new)| *byte = *new);
        }
        10 => splice_other(bytes, range, others, dice),
        11 => swap_lines(bytes, dice),
        _ => {
            let many = bytes[range.clone()].repeat(dice.below(40));
            bytes.splice(range, many);
        }
    }
}

/// Replaces a run of digits near `at` by a number at which parsers go wrong.
fn change_number(bytes: &mut Vec<u8>, at: usize, dice: &mut Dice) {
    let Some(begin) = bytes.iter().skip(at).position(u8::is_ascii_digit).map(|position| at + position) else { return };
    let end = begin + bytes[begin..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    bytes.splice(begin..end, NUMBERS[dice.below(NUMBERS.len())].to_string().into_bytes());
}

fn splice_other(bytes: &mut Vec<u8>, range: std::ops::Range<usize>, others: &[Vec<u8>], dice: &mut Dice) {
    let Some(other) = others.get(dice.below(others.len())) else { return };
    let from = dice.range(other.len());
    bytes.splice(range, other[from].iter().copied());
}

fn swap_lines(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let mut lines: Vec<_> = bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_owned).collect();
    let (one, other) = (dice.below(lines.len()), dice.below(lines.len()));
    lines.swap(one, other);
    *bytes = lines.join(&b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_repeat_with_their_seed_and_stay_bounded() {
        let words = ["word", "another"];
        let changed = |seed| {
            let mut dice = Dice::new(seed);
            let mut bytes = b"line 1\nline 22\n".to_vec();
            for _ in 0..2_000 {
                bytes = change(&bytes, &words, &[b"other".to_vec()], &mut dice);
                assert!(bytes.len() <= INPUT_BYTES_MAX);
            }
            bytes
        };
        assert_eq!(changed(3), changed(3));
        assert_ne!(changed(3), changed(4));
        let mut dice = Dice::new(5);
        for _ in 0..2_000 {
            change(b"", &[], &[], &mut dice);
        }
    }
}
