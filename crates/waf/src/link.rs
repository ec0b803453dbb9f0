//! What rules say about rules, resolved once: phases, markers, choices, pipelines, `TX` places.

use std::collections::HashMap;
use std::sync::Arc;

use crate::parse::Item;
use crate::prefilter::{Builder, Prefilter};
use crate::quick::{Quick, Scope};
use crate::rule::{Change, Chosen, Control, Effect, Link, MemberName, Phase, Rule, Store, Test};
use crate::ruleset::{Pipeline, Step};
use crate::text::Template;
use crate::transform::{Acts, Transformation};
use crate::variable::Variable;

/// The parts of a rule set that linking makes.
pub(crate) struct Linked {
    pub(crate) rules: Vec<Rule>,
    pub(crate) phases: [Vec<Step>; 5],
    pub(crate) pipelines: Vec<Pipeline>,
    pub(crate) slots: HashMap<Box<[u8]>, u32>,
    pub(crate) prefilter: Prefilter,
    pub(crate) scopes: Vec<Scope>,
}

/// Links what was read.
pub(crate) fn link(items: Vec<Item>) -> Linked {
    let phases = Phase::ALL.map(|phase| steps(&items, phase));
    let mut rules: Vec<Rule> = items
        .into_iter()
        .filter_map(|item| match item {
            Item::Marker(_) => None,
            Item::Rule(rule) => Some(*rule),
        })
        .collect();
    choose(&mut rules);
    let mut linker = Linker::new();
    for rule in &mut rules {
        linker.rule(rule);
    }
    let prefilter = linker.prefilter.build();
    let mut scopes: Vec<(Scope, u32)> = linker.scopes.into_iter().collect();
    scopes.sort_unstable_by_key(|(_, number)| *number);
    let scopes = scopes.into_iter().map(|(scope, _)| scope).collect();
    Linked { rules, phases, pipelines: linker.pipelines, slots: linker.slots, prefilter, scopes }
}

/// The rules of a phase, and where each of their `skipAfter` leads: to the first rule of the phase
/// behind the marker, or to the end of the phase when there is no such marker.
fn steps(items: &[Item], phase: Phase) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut waiting = Waiting::new();
    let mut rule = 0;
    for item in items {
        match item {
            Item::Marker(label) => {
                let here = steps.len();
                let (found, rest): (Waiting, Waiting) =
                    waiting.into_iter().partition(|(_, wanted)| wanted == label);
                waiting = rest;
                lead(&mut steps, &found, here);
            }
            Item::Rule(one) => {
                if one.phase == phase {
                    waiting.extend(one.skip_after.clone().map(|label| (steps.len(), label)));
                    steps.push(Step { rule, skip_to: None });
                }
                rule += 1;
            }
        }
    }
    let end = steps.len();
    lead(&mut steps, &waiting, end);
    steps
}

/// Steps whose marker is not found yet.
type Waiting = Vec<(usize, Arc<[u8]>)>;

fn lead(steps: &mut [Step], waiting: &Waiting, to: usize) {
    for (step, _) in waiting {
        steps.get_mut(*step).into_iter().for_each(|step| step.skip_to = Some(to));
    }
}

/// Fills in which rules each `ctl:ruleRemove…` means.
fn choose(rules: &mut [Rule]) {
    let mut found = Vec::new();
    for (place, link, effect, chosen) in choices(rules) {
        let numbers = (0_u32..).zip(rules.iter());
        let meant = numbers.filter(|(_, rule)| chosen.by.chooses(rule)).map(|(number, _)| number);
        found.push((place, link, effect, meant.collect::<Arc<[u32]>>()));
    }
    for (place, link, effect, meant) in found {
        let effects = rules.get_mut(place).and_then(|rule| rule.links.get_mut(link));
        let effect = effects.and_then(|link| link.effects.get_mut(effect));
        if let Some(Effect::Control(
            Control::RemoveRules(chosen) | Control::RemoveTargets(chosen, _),
        )) = effect
        {
            chosen.rules = meant;
        }
    }
}

fn choices(rules: &[Rule]) -> impl Iterator<Item = (usize, usize, usize, &Chosen)> {
    let links = rules.iter().enumerate().flat_map(|(place, rule)| {
        rule.links.iter().enumerate().map(move |(number, link)| (place, number, link))
    });
    links.flat_map(|(place, number, link)| {
        link.effects.iter().enumerate().filter_map(move |(effect, one)| match one {
            Effect::Control(Control::RemoveRules(chosen) | Control::RemoveTargets(chosen, _)) => {
                Some((place, number, effect, chosen))
            }
            _ => None,
        })
    })
}

struct Linker {
    pipelines: Vec<Pipeline>,
    by_step: HashMap<(u32, Transformation), u32>,
    slots: HashMap<Box<[u8]>, u32>,
    prefilter: Builder,
    scopes: HashMap<Scope, u32>,
}

impl Linker {
    fn new() -> Self {
        let mut linker = Self {
            pipelines: vec![Pipeline {
                parent: 0,
                steps: Box::default(),
                acts: Acts::default(),
                stages: Box::new([0]),
            }],
            by_step: HashMap::new(),
            slots: HashMap::new(),
            prefilter: Builder::default(),
            scopes: HashMap::new(),
        };
        // The first ten places are those that `capture` writes.
        for digit in b'0'..=b'9' {
            linker.slot(&[digit]);
        }
        linker
    }

    fn rule(&mut self, rule: &mut Rule) {
        for link in &mut rule.links {
            self.one_link(link);
        }
        let meta = &mut rule.meta;
        let texts = meta.msg.iter_mut().chain(&mut meta.logdata).chain(&mut meta.tags);
        texts.for_each(|text| self.template(text));
        if let crate::rule::Disruptive::Redirect(text) = &mut rule.disruptive {
            self.template(text);
        }
    }

    fn one_link(&mut self, link: &mut Link) {
        let steps = link.transformations.iter();
        link.pipeline = steps.fold(0, |parent, step| self.pipeline(parent, *step));
        if let Test::Operator { operator, .. } = &mut link.test {
            link.gates = self.prefilter.gates(operator);
            operator.template_mut().into_iter().for_each(|text| self.template(text));
        }
        if link.is_multi_match {
            link.stages = self.pipelines.get(link.pipeline as usize).map(|it| it.stages.clone());
        }
        let mut scopes = std::mem::take(&mut self.scopes);
        let next = u32::try_from(scopes.len()).unwrap_or(u32::MAX);
        link.quick =
            Quick::of(link, |key| self.slot(key), |scope| *scopes.entry(scope).or_insert(next));
        self.scopes = scopes;
        for effect in &mut link.effects {
            self.effect(effect);
        }
    }

    fn effect(&mut self, effect: &mut Effect) {
        match effect {
            Effect::Control(_) => {}
            Effect::ExpireVar { name, seconds } => {
                self.member(name);
                self.template(seconds);
            }
            Effect::InitCollection { key, .. } => self.template(key),
            Effect::SetVar { name, change } => {
                self.member(name);
                match change {
                    Change::Add(text) | Change::Set(text) | Change::Subtract(text) => {
                        self.template(text);
                    }
                    Change::Delete => {}
                }
            }
        }
    }

    fn member(&mut self, name: &mut MemberName) {
        self.template(&mut name.key);
        if name.store == Store::Tx
            && let Some(key) = name.key.constant().map(<[u8]>::to_ascii_lowercase)
        {
            name.slot = Some(self.slot(&key));
        }
    }

    fn template(&mut self, text: &mut Template) {
        for reference in text.references_mut() {
            if reference.variable == Variable::Tx {
                reference.slot = reference.key.as_deref().map(|key| self.slot(key));
            }
        }
    }

    fn slot(&mut self, key: &[u8]) -> u32 {
        if let Some(slot) = self.slots.get(key) {
            return *slot;
        }
        let slot = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        self.slots.insert(key.into(), slot);
        slot
    }

    fn pipeline(&mut self, parent: u32, step: Transformation) -> u32 {
        let next = u32::try_from(self.pipelines.len()).unwrap_or(u32::MAX);
        let pipeline = *self.by_step.entry((parent, step)).or_insert(next);
        if pipeline == next {
            let before = self.pipelines.get(parent as usize);
            let acts = before.map_or(Acts::default(), |it| it.acts).and(Acts::of(step));
            let steps = before.map_or(&[][..], |it| &it.steps);
            let steps = steps.iter().copied().chain([(step, Acts::of(step))]).collect();
            let stages = before.map_or(&[][..], |it| &it.stages);
            let stages = stages.iter().copied().chain([pipeline]).collect();
            self.pipelines.push(Pipeline { parent, steps, acts, stages });
        }
        pipeline
    }
}
