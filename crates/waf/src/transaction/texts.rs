//! Texts and what transformations make of them; each is made and looked at once.

use crate::limits::SCAN_STEPS;
use crate::prefilter::Scan;
use crate::ruleset::{Evaluation, Pipeline};
use crate::transaction::state::{Seen, View};
use crate::transaction::{Cell, Transaction};
use crate::transform::Acts;

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
        let stages = self.pipeline(pipeline).map_or(&[][..], |it| &it.stages);
        self.work.take(value.len().saturating_mul(stages.len()));
        let map = self.rules.settings.unicode_map.as_deref();
        let steps = stages.iter().filter_map(|stage| self.pipeline(*stage)?.step);
        steps.fold(value, |value, step| step.apply(value, self.arena, map).unwrap_or(value))
    }

    fn bytes(&self, id: u32) -> &'a [u8] {
        self.state.text(id).map_or(&[], |text| text.bytes)
    }

    /// The text that a pipeline makes of another, which is the same one when nothing changes.
    pub(super) fn made(&mut self, id: u32, number: u32) -> u32 {
        let Some(pipeline) = self.pipeline(number) else { return id };
        let Some(step) = pipeline.step else { return id };
        let is_short = self.rules.evaluation == Evaluation::Filtered;
        if is_short && self.scan(id).acts.common(pipeline.acts).is_empty() {
            return id;
        }
        let known = self.state.text(id).and_then(|text| text.made.as_ref()?.get(number as usize));
        if let Some(known) = known.and_then(|known| known.checked_sub(1)) {
            return known;
        }
        let before = self.made(id, pipeline.parent);
        let Scan { open, acts } = self.scan(before);
        let looked_for = acts.common(Acts::of(step));
        let is_left = looked_for.is_empty() && is_short;
        let map = self.rules.settings.unicode_map.as_deref();
        let bytes = self.bytes(before);
        self.work.take(if is_left { 1 } else { bytes.len() });
        let changed = if is_left { None } else { step.apply(bytes, self.arena, map) };
        let made = changed.map_or(before, |bytes| self.found_or_added(id, bytes));
        if made != before {
            self.prefilter_misses += usize::from(looked_for.is_empty());
        }
        // Gates do not know cases.
        if made != before && looked_for == Acts::CASE && is_short {
            let scan = Scan { open, acts: acts.without(Acts::CASE) };
            self.state.text_mut(made).into_iter().for_each(|it| it.scan = Some(scan));
        }
        self.remember(id, number, made);
        made
    }

    /// Ways to the same text are many; it is looked at once.
    fn found_or_added(&mut self, origin: u32, bytes: &'a [u8]) -> u32 {
        let mut at = self.state.text(origin).and_then(|text| text.sibling);
        while let Some(id) = at {
            let Some(text) = self.state.text(id) else { break };
            if text.bytes == bytes {
                return id;
            }
            at = text.sibling;
        }
        let id = self.state.add(bytes);
        let last = self.state.text_mut(origin).and_then(|text| text.sibling.replace(id));
        self.state.text_mut(id).into_iter().for_each(|text| text.sibling = last);
        id
    }

    fn remember(&mut self, id: u32, number: u32, made: u32) {
        let (arena, count) = (self.arena, self.rules.pipelines.len());
        let Some(text) = self.state.text_mut(id) else { return };
        let row = text.made.get_or_insert_with(|| arena.numbers(count));
        row.get_mut(number as usize).into_iter().for_each(|it| *it = made.saturating_add(1));
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
        let scan = self.scan(id);
        let steps = self.pipeline(pipeline).map_or(Acts::default(), |it| it.acts);
        let looked_for = scan.acts.common(steps).without(Acts::CASE);
        let is_short = self.rules.evaluation == Evaluation::Filtered;
        if looked_for.is_empty() && is_short {
            return scan.open;
        }
        let made = self.made(id, pipeline);
        self.scan(made).open
    }

    /// The gates that are open for a view after a pipeline; `None`: it has no values.
    pub(super) fn gates_of_view(&mut self, view: View, pipeline: u32) -> Option<&'a [u64]> {
        if self.state.seen(view).is_none() {
            self.see(view)?;
        }
        let seen = self.state.seen(view)?;
        let looked_for = self.pipeline(pipeline).map_or(Acts::default(), |it| it.acts);
        let is_short = self.rules.evaluation == Evaluation::Filtered;
        if is_short && seen.scan.acts.common(looked_for).without(Acts::CASE).is_empty() {
            return Some(seen.scan.open);
        }
        if let Some(open) = *seen.open.get(pipeline as usize)? {
            return Some(open);
        }
        let all = self.arena.words(self.rules.prefilter.words());
        self.work.take(self.state.list(view.list).len());
        for place in 0..self.state.list(view.list).len() {
            let id = self.id_in(view, place)?;
            let open = self.gates_of(id, pipeline);
            all.iter_mut().zip(open).for_each(|(all, one)| *all |= one);
        }
        let all: &'a [u64] = all;
        let seen = self.state.seen_mut(view)?.as_mut()?;
        seen.open.get_mut(pipeline as usize).into_iter().for_each(|it| *it = Some(all));
        Some(all)
    }

    /// Looks at all values of a view as they came.
    fn see(&mut self, view: View) -> Option<()> {
        let count = self.state.list(view.list).len();
        if count == 0 {
            return None;
        }
        let all = self.arena.words(self.rules.prefilter.words());
        let mut acts = Acts::default();
        for place in 0..count {
            let id = self.id_in(view, place)?;
            let scan = self.scan(id);
            acts = acts.and(scan.acts);
            all.iter_mut().zip(scan.open).for_each(|(all, one)| *all |= one);
        }
        let open = self.arena.places(self.rules.pipelines.len());
        *self.state.seen_mut(view)? = Some(Seen { scan: Scan { open: all, acts }, open });
        Some(())
    }

    fn id_in(&self, view: View, place: usize) -> Option<u32> {
        let member = self.state.list(view.list).get(place)?;
        Some(member.id + u32::from(view.is_names))
    }
}
