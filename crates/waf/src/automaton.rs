//! Many literals at once, in any ASCII case: one table look-up for each byte of a text.
//!
//! Aho and Corasick's automaton with all transitions written out. A state's row is that of its
//! longest proper suffix with its own letters over it, so the table is built by copying rows; a
//! general-purpose builder takes a hundred times as long for the same table.

use std::collections::VecDeque;

/// The entry's state has something to say.
const HIT: u32 = 1 << 31;

/// A literal, in lower case, and what it stands for.
pub(crate) type Literal = (Vec<u8>, u32);

/// Bits of one word that a hit sets.
type Mark = (u32, u64);

#[derive(Debug, Default)]
pub(crate) struct Automaton {
    /// Bytes that no literal tells apart are one class.
    classes: Vec<u32>,
    /// The power of two of a row's length.
    shift: u32,
    /// For each state and class the beginning of the next state's row, and [`HIT`].
    next: Vec<u32>,
    /// For each state where its marks begin and end.
    marks_of: Vec<(u32, u32)>,
    marks: Vec<Mark>,
}

impl Automaton {
    /// Builds the table.
    pub(crate) fn new(literals: &[Literal]) -> Self {
        let mut automaton = Self::default();
        let count = automaton.classify(literals);
        automaton.shift = count.next_power_of_two().trailing_zeros();
        let mut own = automaton.grow(literals);
        automaton.complete(&mut own);
        automaton
    }

    /// Class 0 is for bytes that are in no literal; upper case is lower case.
    fn classify(&mut self, literals: &[Literal]) -> usize {
        let mut classes = vec![0_u32; 256];
        let mut count = 1;
        for byte in literals.iter().flat_map(|(literal, _)| literal) {
            if let Some(class) = classes.get_mut(usize::from(*byte)).filter(|class| **class == 0) {
                *class = count;
                count += 1;
            }
        }
        for upper in b'A'..=b'Z' {
            let lower = classes.get(usize::from(upper.to_ascii_lowercase())).copied();
            classes.get_mut(usize::from(upper)).into_iter().for_each(|it| *it = lower.unwrap_or(0));
        }
        self.classes = classes;
        count as usize
    }

    fn class(&self, byte: u8) -> u32 {
        self.classes.get(usize::from(byte)).copied().unwrap_or(0)
    }

    /// The trie: an entry of 0 leads nowhere yet. Gives the marks of each state itself.
    fn grow(&mut self, literals: &[Literal]) -> Vec<Vec<Mark>> {
        let mut own: Vec<Vec<Mark>> = vec![Vec::new()];
        self.next.resize(1 << self.shift, 0);
        for (literal, number) in literals {
            let state = literal.iter().fold(0, |state, byte| self.child(state, *byte, &mut own));
            if let Some(marks) = own.get_mut(state) {
                add(marks, (number / 64, 1 << (number % 64)));
            }
        }
        own
    }

    /// The state behind a byte, made when it is not there yet.
    fn child(&mut self, state: usize, byte: u8, own: &mut Vec<Vec<Mark>>) -> usize {
        let place = (state << self.shift) + self.class(byte) as usize;
        let child = self.next.get(place).copied().unwrap_or(0);
        if child != 0 {
            return child as usize >> self.shift;
        }
        let state = own.len();
        own.push(Vec::new());
        self.next.resize(own.len() << self.shift, 0);
        let row = u32::try_from(state << self.shift).unwrap_or(0);
        self.next.get_mut(place).into_iter().for_each(|it| *it = row);
        state
    }

    /// Breadth first, so that a state's suffix is complete before the state.
    fn complete(&mut self, own: &mut [Vec<Mark>]) {
        let mut waiting = VecDeque::from([(0_usize, 0_usize)]);
        self.marks_of = vec![(0, 0); own.len()];
        while let Some((state, suffix)) = waiting.pop_front() {
            self.keep_marks(state, suffix, own);
            let children = self.children(state);
            let (from, to) = (suffix << self.shift, (suffix + 1) << self.shift);
            // The root's row is complete: what leads nowhere leads to the root.
            if state != 0 {
                self.next.copy_within(from..to, state << self.shift);
            }
            for (class, child) in children {
                waiting.push_back(self.put_child((state, suffix), class, child));
            }
        }
        self.flag_hits();
    }

    /// Puts a child over what its parent has from the suffix; gives it with its own suffix.
    fn put_child(&mut self, of: (usize, usize), class: usize, child: u32) -> (usize, usize) {
        let (state, suffix) = of;
        // A child of the root has no shorter beginning than the root.
        let over = if state == 0 { 0 } else { self.entry(suffix, class) };
        let place = (state << self.shift) + class;
        self.next.get_mut(place).into_iter().for_each(|it| *it = child);
        (child as usize >> self.shift, over as usize >> self.shift)
    }

    /// The children of a state that is not complete yet.
    fn children(&self, state: usize) -> Vec<(usize, u32)> {
        let row = self.next.get(state << self.shift..(state + 1) << self.shift);
        let row = row.into_iter().flatten().copied().enumerate();
        row.filter(|(_, child)| *child != 0).collect()
    }

    fn entry(&self, state: usize, class: usize) -> u32 {
        self.next.get((state << self.shift) + class).copied().unwrap_or(0)
    }

    /// A state says what it says itself, and what its suffix says.
    fn keep_marks(&mut self, state: usize, suffix: usize, own: &mut [Vec<Mark>]) {
        let inherited = own.get(suffix).cloned().unwrap_or_default();
        let Some(marks) = own.get_mut(state) else { return };
        for mark in inherited {
            add(marks, mark);
        }
        let from = u32::try_from(self.marks.len()).unwrap_or(0);
        self.marks.extend_from_slice(marks);
        let to = u32::try_from(self.marks.len()).unwrap_or(0);
        self.marks_of.get_mut(state).into_iter().for_each(|it| *it = (from, to));
    }

    fn flag_hits(&mut self) {
        for place in 0..self.next.len() {
            let entry = self.next.get(place).copied().unwrap_or(0);
            let (from, to) = self.marks_at(entry);
            if from < to {
                self.next.get_mut(place).into_iter().for_each(|it| *it = entry | HIT);
            }
        }
    }

    fn marks_at(&self, entry: u32) -> (u32, u32) {
        let state = (entry & !HIT) as usize >> self.shift;
        self.marks_of.get(state).copied().unwrap_or((0, 0))
    }

    /// Where the byte leads from an entry; 0 is the beginning.
    #[inline]
    pub(crate) fn step(&self, entry: u32, class: u32) -> u32 {
        let place = ((entry & !HIT) as usize).wrapping_add(class as usize);
        self.next.get(place).copied().unwrap_or(0)
    }

    /// Sets the bits of an entry with a hit.
    #[inline]
    pub(crate) fn mark(&self, entry: u32, open: &mut [u64]) {
        if entry & HIT == 0 {
            return;
        }
        let (from, to) = self.marks_at(entry);
        for (word, bits) in self.marks.get(from as usize..to as usize).unwrap_or_default() {
            open.get_mut(*word as usize).into_iter().for_each(|it| *it |= bits);
        }
    }

    /// The class of each byte.
    pub(crate) fn classes(&self) -> &[u32] {
        &self.classes
    }
}

fn add(marks: &mut Vec<Mark>, (word, bits): Mark) {
    match marks.iter_mut().find(|(known, _)| *known == word) {
        Some((_, known)) => *known |= bits,
        None => marks.push((word, bits)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(literals: &[&str], text: &str) -> u64 {
        let numbered = literals.iter().zip(0_u32..);
        let literals: Vec<Literal> =
            numbered.map(|(it, at)| (it.as_bytes().to_vec(), at)).collect();
        let automaton = Automaton::new(&literals);
        let mut open = [0];
        let mut entry = 0;
        for byte in text.bytes() {
            entry = automaton.step(entry, automaton.class(byte));
            automaton.mark(entry, &mut open);
        }
        open[0]
    }

    #[test]
    fn literals_are_found_where_they_overlap_and_in_any_case() {
        let literals = ["he", "she", "his", "hers", "s", "a-b"];
        assert_eq!(found(&literals, "uSHErs"), 0b01_1011);
        assert_eq!(found(&literals, "hi h e"), 0);
        assert_eq!(found(&literals, "xHIs"), 0b01_0100);
        assert_eq!(found(&literals, "aa-B"), 0b10_0000);
        assert_eq!(found(&[], "abc"), 0);
    }

    #[test]
    fn the_automaton_finds_what_a_plain_search_finds() {
        let literals = ["a", "ab", "bab", "bc", "bca", "c", "caa", "aab", "bb"];
        for number in 0..3_u32.pow(7) {
            let digit = |at: u32| b"abc"[(number / 3_u32.pow(at) % 3) as usize];
            let text: Vec<u8> = (0..7).map(digit).collect();
            let text = String::from_utf8(text).unwrap();
            let want = literals.iter().zip(0..).filter(|(it, _)| text.contains(**it));
            let want = want.fold(0_u64, |bits, (_, at)| bits | 1 << at);
            assert_eq!(found(&literals, &text), want, "{text}");
        }
    }
}
