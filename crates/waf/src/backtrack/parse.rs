//! PCRE's syntax to instructions, in one pass. One recursive descent, which is longer than other
//! files because each form of the syntax is a few lines, and all share the parser's state.

use crate::backtrack::{Op, Program};
use crate::cursor::{Cursor, hex_value};

/// Instructions of one program.
const CODE_MAX: usize = 50_000;
/// Groups in groups.
const DEPTH_MAX: usize = 100;
/// How far a look goes back.
const BEHIND_MAX: usize = 255;

type Parsed<T> = Result<T, &'static str>;

pub(super) fn parse(text: &[u8]) -> Parsed<Program> {
    let mut parser = Parser {
        at: Cursor::new(text),
        program: Program { code: Vec::new(), sets: Vec::new(), slots: 0, groups: 1 },
        loops: 0,
        is_caseless: false,
        is_multi_line: false,
        is_dot_all: true,
        depth: 0,
    };
    parser.program.code.push(Op::Save(0));
    parser.alternatives()?;
    if !parser.at.is_empty() {
        return Err("a parenthesis closes what none opened");
    }
    parser.program.code.push(Op::Save(1));
    parser.program.code.push(Op::Match);
    parser.finish()
}

struct Parser<'t> {
    at: Cursor<'t>,
    program: Program,
    loops: usize,
    is_caseless: bool,
    is_multi_line: bool,
    is_dot_all: bool,
    depth: usize,
}

impl Parser<'_> {
    /// Loops get the places behind those of the groups.
    fn finish(mut self) -> Parsed<Program> {
        let groups = self.program.groups;
        for op in &mut self.program.code {
            match op {
                Op::EndIfEmpty { slot } => *slot += 2 * groups,
                Op::Save(slot) if *slot >= LOOP => *slot = *slot - LOOP + 2 * groups,
                Op::Same { group, .. } if *group >= groups => {
                    return Err("a reference names no group");
                }
                _ => {}
            }
        }
        self.program.slots = 2 * groups + self.loops;
        Ok(self.program)
    }

    fn emit(&mut self, op: Op) -> Parsed<usize> {
        if self.program.code.len() >= CODE_MAX {
            return Err("it is too large");
        }
        self.program.code.push(op);
        Ok(self.program.code.len() - 1)
    }

    fn here(&self) -> usize {
        self.program.code.len()
    }

    fn patch(&mut self, at: usize, op: Op) {
        if let Some(place) = self.program.code.get_mut(at) {
            *place = op;
        }
    }

    /// `a|b|c` up to a closing parenthesis or the end. Flags set inside end with it.
    fn alternatives(&mut self) -> Parsed<()> {
        let flags = (self.is_caseless, self.is_multi_line, self.is_dot_all);
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err("it is nested too deep");
        }
        let mut ends = Vec::new();
        loop {
            let start = self.here();
            self.sequence()?;
            if !self.at.eat(b'|') {
                break;
            }
            self.insert(start, Op::Split(0, 0))?;
            ends.push(self.emit(Op::Jump(0))?);
            let next = self.here();
            self.patch(start, Op::Split(start + 1, next));
        }
        let end = self.here();
        for jump in ends {
            self.patch(jump, Op::Jump(end));
        }
        self.depth -= 1;
        (self.is_caseless, self.is_multi_line, self.is_dot_all) = flags;
        Ok(())
    }

    /// Puts an instruction before what was emitted since `at`, whose places move by one.
    fn insert(&mut self, at: usize, op: Op) -> Parsed<()> {
        self.emit(Op::Match)?;
        self.program.code.pop();
        let moved = |place: usize| if place >= at { place + 1 } else { place };
        for op in self.program.code.iter_mut().skip(at) {
            match op {
                Op::Atomic { next } | Op::Look { next, .. } | Op::Jump(next) => {
                    *next = moved(*next);
                }
                Op::Split(one, other) => (*one, *other) = (moved(*one), moved(*other)),
                _ => {}
            }
        }
        self.program.code.insert(at, op);
        Ok(())
    }

    fn sequence(&mut self) -> Parsed<()> {
        while let Some(byte) = self.at.peek().filter(|byte| !matches!(byte, b'|' | b')')) {
            let start = self.here();
            self.at.skip(1);
            self.piece(byte)?;
            self.repeat(start)?;
        }
        Ok(())
    }

    fn piece(&mut self, byte: u8) -> Parsed<()> {
        match byte {
            b'(' => self.group(),
            b'[' => self.class(),
            b'\\' => self.escape(),
            b'.' => {
                let mut set = [u64::MAX; 4];
                if !self.is_dot_all {
                    remove(&mut set, b'\n');
                }
                self.set(set)
            }
            b'^' => {
                let op = if self.is_multi_line { Op::AtLineStart } else { Op::AtStart };
                self.emit(op).map(|_| ())
            }
            b'$' => {
                let op = if self.is_multi_line { Op::AtLineEnd } else { Op::AtEnd };
                self.emit(op).map(|_| ())
            }
            b'*' | b'+' | b'?' => Err("a repetition of nothing"),
            _ => self.literal(byte),
        }
    }

    fn literal(&mut self, byte: u8) -> Parsed<()> {
        if self.is_caseless && byte.is_ascii_alphabetic() {
            let mut set = [0; 4];
            add(&mut set, byte);
            return self.set(caseless(set));
        }
        self.emit(Op::Byte(byte)).map(|_| ())
    }

    fn set(&mut self, set: [u64; 4]) -> Parsed<()> {
        let known = self.program.sets.iter().position(|one| *one == set);
        let number = known.unwrap_or_else(|| {
            self.program.sets.push(set);
            self.program.sets.len() - 1
        });
        self.emit(Op::Set(number)).map(|_| ())
    }

    fn group(&mut self) -> Parsed<()> {
        if self.at.eat_all(b"?#") {
            self.at.take_while(|byte| byte != b')');
            return self.close();
        }
        for (begin, is_negated) in [(&b"?="[..], false), (b"?!", true)] {
            if self.at.eat_all(begin) {
                return self.look(is_negated, false);
            }
        }
        for (begin, is_negated) in [(&b"?<="[..], false), (b"?<!", true)] {
            if self.at.eat_all(begin) {
                return self.look(is_negated, true);
            }
        }
        if self.at.eat_all(b"?>") {
            let start = self.emit(Op::Atomic { next: 0 })?;
            self.alternatives()?;
            self.emit(Op::Match)?;
            let next = self.here();
            self.patch(start, Op::Atomic { next });
            return self.close();
        }
        if self.at.eat_all(b"?P<") || self.at.eat_all(b"?<") {
            self.at.take_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            if !self.at.eat(b'>') {
                return Err("a group's name does not end");
            }
            return self.capture();
        }
        if self.at.eat(b'?') { self.flags() } else { self.capture() }
    }

    fn close(&mut self) -> Parsed<()> {
        if self.at.eat(b')') { Ok(()) } else { Err("a group is not closed") }
    }

    fn capture(&mut self) -> Parsed<()> {
        let group = self.program.groups;
        self.program.groups += 1;
        self.emit(Op::Save(2 * group))?;
        self.alternatives()?;
        self.emit(Op::Save(2 * group + 1))?;
        self.close()
    }

    fn look(&mut self, is_negated: bool, is_behind: bool) -> Parsed<()> {
        let start = self.emit(Op::Look { next: 0, is_negated, behind: None })?;
        self.alternatives()?;
        self.emit(Op::Match)?;
        let next = self.here();
        let behind = if is_behind { Some(self.longest(start + 1, next)?) } else { None };
        self.patch(start, Op::Look { next, is_negated, behind });
        self.close()
    }

    /// The most bytes that instructions without a loop can take.
    fn longest(&self, from: usize, to: usize) -> Parsed<usize> {
        let code = self.program.code.get(from..to).unwrap_or_default();
        let takes = |op: &&Op| matches!(op, Op::Byte(_) | Op::Set(_));
        let loops = code.iter().any(|op| matches!(op, Op::EndIfEmpty { .. } | Op::Same { .. }));
        let count = code.iter().filter(takes).count();
        if loops || count > BEHIND_MAX { Err("a look behind has no bound") } else { Ok(count) }
    }

    /// `(?i)`, `(?i-s:…)`, `(?:…)`.
    fn flags(&mut self) -> Parsed<()> {
        let before = (self.is_caseless, self.is_multi_line, self.is_dot_all);
        let mut value = true;
        loop {
            match self.at.next() {
                Some(b'-') => value = false,
                Some(b'i') => self.is_caseless = value,
                Some(b'm') => self.is_multi_line = value,
                Some(b's') => self.is_dot_all = value,
                Some(b')') => return Ok(()),
                Some(b':') => break,
                _ => return Err("a group of a kind that is not known"),
            }
        }
        self.alternatives()?;
        (self.is_caseless, self.is_multi_line, self.is_dot_all) = before;
        self.close()
    }

    /// What follows a piece: `*`, `+`, `?`, `{m,n}`, and how it takes.
    fn repeat(&mut self, start: usize) -> Parsed<()> {
        let (least, most) = match self.at.peek() {
            Some(b'*') => (0, None),
            Some(b'+') => (1, None),
            Some(b'?') => (0, Some(1)),
            Some(b'{') => match counts(&self.at) {
                Some((least, most, length)) => {
                    self.at.skip(length);
                    (least, most)
                }
                None => return Ok(()),
            },
            _ => return Ok(()),
        };
        self.at.skip(1);
        let is_lazy = self.at.eat(b'?');
        let is_possessive = !is_lazy && self.at.eat(b'+');
        let body: Vec<Op> = self.program.code.drain(start..).collect();
        let atomic = if is_possessive { Some(self.emit(Op::Atomic { next: 0 })?) } else { None };
        for _ in 0..least {
            self.copy(&body, start)?;
        }
        match most {
            None => self.endless(&body, start, is_lazy)?,
            Some(most) => self.optional(&body, start, most.saturating_sub(least), is_lazy)?,
        }
        if let Some(atomic) = atomic {
            self.emit(Op::Match)?;
            let next = self.here();
            self.patch(atomic, Op::Atomic { next });
        }
        Ok(())
    }

    /// The body once more, with its places moved.
    fn copy(&mut self, body: &[Op], start: usize) -> Parsed<()> {
        let shift = self.here() - start;
        for op in body {
            let mut op = *op;
            match &mut op {
                Op::Atomic { next } | Op::Look { next, .. } | Op::Jump(next) => *next += shift,
                Op::Split(one, other) => (*one, *other) = (*one + shift, *other + shift),
                _ => {}
            }
            self.emit(op)?;
        }
        Ok(())
    }

    fn endless(&mut self, body: &[Op], start: usize, is_lazy: bool) -> Parsed<()> {
        let slot = self.loops;
        self.loops += 1;
        let top = self.emit(Op::Split(0, 0))?;
        self.emit(Op::Save(LOOP + slot))?;
        self.copy(body, start)?;
        self.emit(Op::EndIfEmpty { slot })?;
        self.emit(Op::Jump(top))?;
        let out = self.here();
        self.patch(top, if is_lazy { Op::Split(out, top + 1) } else { Op::Split(top + 1, out) });
        Ok(())
    }

    fn optional(&mut self, body: &[Op], start: usize, count: usize, is_lazy: bool) -> Parsed<()> {
        let mut splits = Vec::new();
        for _ in 0..count {
            splits.push(self.emit(Op::Split(0, 0))?);
            self.copy(body, start)?;
        }
        let out = self.here();
        for split in splits {
            let op = if is_lazy { Op::Split(out, split + 1) } else { Op::Split(split + 1, out) };
            self.patch(split, op);
        }
        Ok(())
    }

    fn escape(&mut self) -> Parsed<()> {
        let byte = self.at.next().ok_or("it ends in a backslash")?;
        let op = match byte {
            b'A' => Op::AtStart,
            b'z' => Op::AtEnd,
            b'Z' => Op::AtLastLine,
            b'b' => Op::AtWordBorder { is_negated: false },
            b'B' => Op::AtWordBorder { is_negated: true },
            b'1'..=b'9' => {
                let more = self.at.take_while(|byte| byte.is_ascii_digit());
                let digits = more.iter().fold(usize::from(byte - b'0'), |number, digit| {
                    number.saturating_mul(10).saturating_add(usize::from(digit - b'0'))
                });
                Op::Same { group: digits, is_caseless: self.is_caseless }
            }
            b'Q' => return self.quoted(),
            b'E' => return Ok(()),
            b'K' | b'G' | b'R' | b'X' | b'C' | b'p' | b'P' | b'g' | b'k' => {
                return Err("an escape that is not known");
            }
            _ => {
                if let Some(set) = named_set(byte) {
                    return self.set(set);
                }
                let literal = self.byte_escape(byte);
                return self.literal(literal);
            }
        };
        self.emit(op).map(|_| ())
    }

    /// `\Q…\E`: text as it stands, to the end where nothing closes it.
    fn quoted(&mut self) -> Parsed<()> {
        while !self.at.is_empty() && !self.at.eat_all(b"\\E") {
            let start = self.here();
            if let Some(byte) = self.at.next() {
                self.literal(byte)?;
            }
            // What repeats stands behind the end, and is about the last byte alone.
            if self.at.eat_all(b"\\E") {
                return self.repeat(start);
            }
        }
        Ok(())
    }

    /// The byte that an escape names.
    fn byte_escape(&mut self, byte: u8) -> u8 {
        match byte {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'f' => 0x0c,
            b'a' => 0x07,
            b'e' => 0x1b,
            b'0' => 0,
            b'c' => self.at.next().unwrap_or(b'@').to_ascii_uppercase() ^ 0x40,
            b'x' => {
                let is_braced = self.at.eat(b'{');
                let mut left = 2;
                let digits = self.at.take_while(|byte| {
                    let belongs = byte.is_ascii_hexdigit() && (is_braced || left > 0);
                    left -= i32::from(belongs);
                    belongs
                });
                if is_braced {
                    self.at.eat(b'}');
                }
                let number = digits
                    .iter()
                    .fold(0, |number, digit| number << 4 & 0xff | hex_value(*digit).unwrap_or(0));
                u8::try_from(number & 0xff).unwrap_or(0)
            }
            _ => byte,
        }
    }

    fn class(&mut self) -> Parsed<()> {
        let is_negated = self.at.eat(b'^');
        let mut set = [0; 4];
        let mut is_first = true;
        loop {
            let byte = self.at.next().ok_or("a class is not closed")?;
            if byte == b']' && !is_first {
                break;
            }
            is_first = false;
            let Some(low) = self.class_member(byte, &mut set)? else { continue };
            let is_range = self.at.peek() == Some(b'-') && self.at.peek_at(1) != Some(b']');
            if !is_range {
                add(&mut set, low);
                continue;
            }
            self.at.skip(1);
            let next = self.at.next().ok_or("a class is not closed")?;
            match self.class_member(next, &mut set)? {
                Some(high) if high < low => return Err("a range goes backwards"),
                Some(high) => (low..=high).for_each(|byte| add(&mut set, byte)),
                None => {
                    add(&mut set, low);
                    add(&mut set, b'-');
                }
            }
        }
        if self.is_caseless {
            set = caseless(set);
        }
        if is_negated {
            set = set.map(|word| !word);
        }
        self.set(set)
    }

    /// A single byte of a class, or nothing when it was a set, which is added.
    fn class_member(&mut self, byte: u8, set: &mut [u64; 4]) -> Parsed<Option<u8>> {
        if byte == b'[' && self.at.peek() == Some(b':') {
            let mut ahead = self.at;
            ahead.skip(1);
            let name = ahead.take_while(|byte| byte.is_ascii_lowercase());
            if ahead.eat_all(b":]") {
                let belongs = posix(name).ok_or("a class of a name that is not known")?;
                (0..=u8::MAX).filter(belongs).for_each(|byte| add(set, byte));
                self.at = ahead;
                return Ok(None);
            }
        }
        if byte != b'\\' {
            return Ok(Some(byte));
        }
        let escaped = self.at.next().ok_or("a class is not closed")?;
        if let Some(named) = named_set(escaped) {
            for (word, more) in set.iter_mut().zip(named) {
                *word |= more;
            }
            return Ok(None);
        }
        Ok(Some(if escaped == b'b' { 0x08 } else { self.byte_escape(escaped) }))
    }
}

/// Places of loops while the number of groups is not known.
const LOOP: usize = usize::MAX / 2;

/// After `{`: least, most, and how long the text between the braces is.
fn counts(at: &Cursor<'_>) -> Option<(usize, Option<usize>, usize)> {
    let whole = at.rest().get(1..)?;
    let end = whole.iter().position(|byte| *byte == b'}')?;
    let text = std::str::from_utf8(whole.get(..end)?).ok()?;
    let (least, most) = match text.split_once(',') {
        None => (text.parse().ok()?, Some(text.parse().ok()?)),
        Some((least, "")) => (least.parse().ok()?, None),
        Some((least, most)) => (least.parse().ok()?, Some(most.parse().ok()?)),
    };
    Some((least, most, end + 1))
}

fn named_set(byte: u8) -> Option<[u64; 4]> {
    let belongs: fn(&u8) -> bool = match byte.to_ascii_lowercase() {
        b'd' => u8::is_ascii_digit,
        b's' => |byte| crate::cursor::is_space(*byte),
        b'w' => |byte| byte.is_ascii_alphanumeric() || *byte == b'_',
        b'h' => |byte| matches!(byte, b' ' | b'\t' | 0xa0),
        b'v' => |byte| matches!(byte, b'\n'..=b'\r' | 0x85),
        _ => return None,
    };
    let mut set = [0; 4];
    (0..=u8::MAX).filter(belongs).for_each(|byte| add(&mut set, byte));
    Some(if byte.is_ascii_uppercase() { set.map(|word| !word) } else { set })
}

fn posix(name: &[u8]) -> Option<fn(&u8) -> bool> {
    Some(match name {
        b"alnum" => u8::is_ascii_alphanumeric,
        b"alpha" => u8::is_ascii_alphabetic,
        b"cntrl" => u8::is_ascii_control,
        b"digit" => u8::is_ascii_digit,
        b"graph" => u8::is_ascii_graphic,
        b"lower" => u8::is_ascii_lowercase,
        b"print" => |byte| byte.is_ascii_graphic() || *byte == b' ',
        b"punct" => u8::is_ascii_punctuation,
        b"space" => |byte| crate::cursor::is_space(*byte),
        b"upper" => u8::is_ascii_uppercase,
        b"word" => |byte| byte.is_ascii_alphanumeric() || *byte == b'_',
        b"xdigit" => u8::is_ascii_hexdigit,
        _ => return None,
    })
}

fn add(set: &mut [u64; 4], byte: u8) {
    if let Some(word) = set.get_mut(usize::from(byte >> 6)) {
        *word |= 1 << (byte & 63);
    }
}

fn remove(set: &mut [u64; 4], byte: u8) {
    if let Some(word) = set.get_mut(usize::from(byte >> 6)) {
        *word &= !(1 << (byte & 63));
    }
}

/// Both cases of each letter that is in it.
fn caseless(set: [u64; 4]) -> [u64; 4] {
    let mut both = set;
    for byte in (0..=u8::MAX).filter(|byte| super::machine::holds(&set, *byte)) {
        add(&mut both, byte.to_ascii_lowercase());
        add(&mut both, byte.to_ascii_uppercase());
    }
    both
}
