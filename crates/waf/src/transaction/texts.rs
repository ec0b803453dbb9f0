//! Texts and what transformations make of them; each is made and looked at once.

use crate::limits::SCAN_STEPS;
use crate::prefilter::{Gates, Scan};
use crate::ruleset::{Evaluation, Pipeline};
use crate::transaction::state::{Seen, View};
use crate::transaction::{Cell, Transaction};
use crate::transform::{Acts, TRANSFORMATIONS, Transformation};

impl<'a> Transaction<'a> {
    pub(super) fn pipeline(&self, number: u32) -> Option<&'a Pipeline> {
        self.rules.pipelines.get(number as usize)
    }

    /// A value after a pipeline.
    pub(super) fn transformed(&mut self, cell: &Cell<'a>, pipeline: u32) -> &'a [u8] {
        match cell.id {
            Some(id) => {
                let made = self.made(id, pipeline);
                self.bytes(made)
            }
            None => self.transformed_anew(cell.value, pipeline),
        }
    }

    fn transformed_anew(&mut self, value: &'a [u8], pipeline: u32) -> &'a [u8] {
        let steps = self.pipeline(pipeline).map_or(&[][..], |it| &it.steps);
        self.work.take(value.len().saturating_mul(steps.len()));
        let map = self.rules.settings.unicode_map.as_deref();
        let apply = |value, (step, _): &(Transformation, Acts)| {
            step.apply(value, self.arena, map).unwrap_or(value)
        };
        steps.iter().fold(value, apply)
    }

    fn bytes(&self, id: u32) -> &'a [u8] {
        self.state.text(id).map_or(&[], |text| text.bytes)
    }

    /// The text that a pipeline makes of another, which is the same one when nothing changes.
    pub(super) fn made(&mut self, id: u32, number: u32) -> u32 {
        let Some(pipeline) = self.pipeline(number) else { return id };
        if self.is_filtered() && self.scan(id).acts.common(pipeline.acts).is_empty() {
            return id;
        }
        let Some(step) = pipeline.steps.last() else { return id };
        let row = self.state.text(id).and_then(|text| text.made.as_ref());
        let known = row.and_then(|row| row.get(number as usize)).and_then(|it| it.checked_sub(1));
        if let Some(known) = known {
            return known;
        }
        let before = self.made(id, pipeline.parent);
        let made = self.made_by(before, *step);
        let (arena, count) = (self.arena, self.rules.pipelines.len());
        if let Some(text) = self.state.text_mut(id) {
            let row = text.made.get_or_insert_with(|| arena.numbers(count));
            row.get_mut(number as usize).into_iter().for_each(|it| *it = made.saturating_add(1));
        }
        made
    }

    fn is_filtered(&self) -> bool {
        self.rules.evaluation == Evaluation::Filtered
    }

    /// The text that a transformation makes of another.
    fn made_by(&mut self, id: u32, (step, acts_of_step): (Transformation, Acts)) -> u32 {
        let Scan { open, acts } = self.scan(id);
        let looked_for = acts.common(acts_of_step);
        let is_short = self.is_filtered();
        if looked_for.is_empty() && is_short {
            return id;
        }
        let row = self.state.text(id).and_then(|text| text.made_by.as_ref());
        let known = row.and_then(|row| row.get(step as usize)).and_then(|it| it.checked_sub(1));
        if let Some(known) = known {
            return known;
        }
        let map = self.rules.settings.unicode_map.as_deref();
        let bytes = self.bytes(id);
        self.work.take(bytes.len() + 1);
        let changed = step.apply(bytes, self.arena, map);
        let made = changed.map_or(id, |bytes| self.found_or_added(id, bytes));
        if made != id {
            self.prefilter_misses += usize::from(looked_for.is_empty());
        }
        // Gates do not know cases.
        if made != id && looked_for == Acts::CASE && is_short {
            let scan = Scan { open, acts: acts.without(Acts::CASE) };
            self.state.text_mut(made).into_iter().for_each(|it| it.scan = Some(scan));
        }
        self.remember(id, step, made);
        made
    }

    /// Ways to the same text are many; it is looked at once.
    fn found_or_added(&mut self, id: u32, bytes: &'a [u8]) -> u32 {
        let origin = self.state.text(id).map_or(id, |text| text.origin);
        let mut at = Some(origin);
        while let Some(id) = at {
            let Some(text) = self.state.text(id) else { break };
            if text.bytes == bytes {
                return id;
            }
            at = text.sibling;
        }
        let id = self.state.add(bytes);
        let last = self.state.text_mut(origin).and_then(|text| text.sibling.replace(id));
        if let Some(text) = self.state.text_mut(id) {
            (text.origin, text.sibling) = (origin, last);
        }
        id
    }

    fn remember(&mut self, id: u32, step: Transformation, made: u32) {
        let arena = self.arena;
        let Some(text) = self.state.text_mut(id) else { return };
        let row = text.made_by.get_or_insert_with(|| arena.numbers(TRANSFORMATIONS));
        row.get_mut(step as usize).into_iter().for_each(|it| *it = made.saturating_add(1));
    }

    /// What a text opens, and what could change it.
    pub(super) fn scan(&mut self, id: u32) -> Scan<'a> {
        let text = self.state.text(id);
        if let Some(scan) = text.and_then(|text| text.scan) {
            return scan;
        }
        let bytes = text.map_or(&b""[..], |text| text.bytes);
        self.work.take(bytes.len() + SCAN_STEPS);
        let open = self.arena.words(self.rules.prefilter.words());
        let scan = self.rules.prefilter.scan(bytes, open);
        self.state.text_mut(id).into_iter().for_each(|text| text.scan = Some(scan));
        scan
    }

    /// The gates that are open for a text after a pipeline.
    pub(super) fn gates_of(&mut self, id: u32, pipeline: u32) -> &'a [u64] {
        self.scan_after(id, pipeline).open
    }

    /// What a text opens after a pipeline, and what could change it then.
    fn scan_after(&mut self, id: u32, pipeline: u32) -> Scan<'a> {
        let scan = self.scan(id);
        let steps = self.pipeline(pipeline).map_or(Acts::default(), |it| it.acts);
        let looked_for = scan.acts.common(steps).without(Acts::CASE);
        if looked_for.is_empty() && self.is_filtered() {
            return scan;
        }
        let made = self.made(id, pipeline);
        self.scan(made)
    }

    /// Whether it is known already that a gate is closed for a text after a pipeline.
    pub(super) fn is_known_closed(&self, id: u32, pipeline: u32, gates: Gates) -> bool {
        let known = || {
            let text = self.state.text(id)?;
            let scan = text.scan?;
            let steps = self.rules.pipelines.get(pipeline as usize)?.acts.without(Acts::CASE);
            if scan.acts.common(steps).is_empty() {
                return Some(scan.open);
            }
            let made = text.made.as_ref()?.get(pipeline as usize)?.checked_sub(1)?;
            Some(self.state.text(made)?.scan?.open)
        };
        known().is_some_and(|open| !gates.are_open(open))
    }

    /// The gates that are open for a view after a pipeline; `None`: it has no values.
    pub(super) fn gates_of_view(&mut self, view: View, pipeline: u32) -> Option<&'a [u64]> {
        Some(self.scan_of_view(view, pipeline)?.open)
    }

    fn scan_of_view(&mut self, view: View, number: u32) -> Option<Scan<'a>> {
        if self.state.seen(view).is_none() {
            self.see(view)?;
        }
        if let Some(scan) = self.known_of_view(view, number) {
            return Some(scan);
        }
        let pipeline = self.pipeline(number)?;
        let last = pipeline.steps.last().map_or(Acts::default(), |(_, acts)| *acts);
        // What the last step cannot change stays as it was before it.
        let before = self.known_of_view(view, pipeline.parent);
        let same = before.filter(|before| {
            self.is_filtered() && before.acts.common(last).without(Acts::CASE).is_empty()
        });
        let scan = match same {
            Some(scan) => scan,
            None => self.scan_of_all(view, number, pipeline.acts)?,
        };
        let seen = self.state.seen_mut(view)?.as_mut()?;
        seen.after.get_mut(number as usize).into_iter().for_each(|it| *it = Some(scan));
        Some(scan)
    }

    /// What is known of a view after a pipeline.
    fn known_of_view(&self, view: View, number: u32) -> Option<Scan<'a>> {
        let seen = self.state.seen(view)?;
        let acts = self.pipeline(number).map_or(Acts::default(), |it| it.acts);
        if self.is_filtered() && seen.scan.acts.common(acts).without(Acts::CASE).is_empty() {
            return Some(seen.scan);
        }
        *seen.after.get(number as usize)?
    }

    fn scan_of_all(&mut self, view: View, number: u32, looked_for: Acts) -> Option<Scan<'a>> {
        let seen = self.state.seen(view)?;
        let all = self.arena.words(self.rules.prefilter.words());
        let mut acts = Acts::default();
        let (quiet, loud) = (seen.quiet, seen.loud.len());
        let is_for_loud = looked_for.common(Acts::of_none()).is_empty() && self.is_filtered();
        if is_for_loud {
            all.copy_from_slice(quiet);
            acts = Acts::CASE.and(Acts::of_none());
        }
        let count = if is_for_loud { loud } else { self.state.list(view.list).len() };
        self.work.take(count);
        for place in 0..count {
            let id = if is_for_loud { self.loud_in(view, place) } else { self.id_in(view, place) };
            let Some(id) = id else { continue };
            let scan = self.scan_after(id, number);
            acts = acts.and(scan.acts);
            join(all, scan.open);
        }
        Some(Scan { open: all, acts })
    }

    /// Looks at all values of a view as they came.
    fn see(&mut self, view: View) -> Option<()> {
        let count = self.state.list(view.list).len();
        if count == 0 {
            return None;
        }
        let all = self.arena.words(self.rules.prefilter.words());
        let quiet = self.arena.words(self.rules.prefilter.words());
        let mut loud = Vec::new();
        let mut acts = Acts::default();
        for place in 0..count {
            let Some(id) = self.id_in(view, place) else { continue };
            let scan = self.scan(id);
            acts = acts.and(scan.acts);
            let is_quiet = scan.acts.without(Acts::CASE.and(Acts::of_none())).is_empty();
            join(all, scan.open);
            if is_quiet {
                join(quiet, scan.open);
            } else {
                loud.push(id);
            }
        }
        loud.sort_unstable();
        loud.dedup();
        let after = self.arena.places(self.rules.pipelines.len());
        let seen = Seen { scan: Scan { open: all, acts }, after, quiet, loud };
        *self.state.seen_mut(view)? = Some(seen);
        Some(())
    }

    fn loud_in(&self, view: View, place: usize) -> Option<u32> {
        self.state.seen(view)?.loud.get(place).copied()
    }

    fn id_in(&self, view: View, place: usize) -> Option<u32> {
        view.id_of(self.state.list(view.list).get(place)?)
    }
}

/// Adds open gates to others.
pub(super) fn join(all: &mut [u64], open: &[u64]) {
    all.iter_mut().zip(open).for_each(|(all, one)| *all |= one);
}
