//! Variables to values: what a rule looks at, at this moment.

use crate::body::xml::PathKind;
use crate::prefilter::Gates;
use crate::rule::{Link, Rule, Store, Test};
use crate::ruleset::Evaluation;
use crate::transaction::state::{Cell, List, Member};
use crate::transaction::{Transaction, passes_over};
use crate::variable::{Selector, Shape, Target, Variable};

impl<'a> Transaction<'a> {
    /// All values that a link of a rule looks at, in the order of its list.
    pub(super) fn collect(&self, rule: &'a Rule, link: &'a Link, cells: &mut Vec<Cell<'a>>) {
        for target in &link.targets.included {
            let from = cells.len();
            self.select((rule, link), target, cells);
            if target.is_count {
                let count = i64::try_from(cells.len() - from).unwrap_or(i64::MAX);
                cells.truncate(from);
                cells.push(self.count_cell(target, count));
            }
        }
        let excluded = &link.targets.excluded;
        if !excluded.is_empty() {
            cells.retain(|cell| {
                !excluded.iter().any(|one| one.excludes(cell.variable, cell.is_count, cell.name))
            });
        }
    }

    fn count_cell(&self, target: &'a Target, count: i64) -> Cell<'a> {
        let name = match &target.selector {
            Selector::Key(key) => &**key,
            Selector::All | Selector::Pattern(_) => &[],
        };
        let value = self.arena.number(count);
        Cell { variable: target.variable, is_count: true, name, value, id: None }
    }

    fn select(
        &self,
        (rule, link): (&'a Rule, &'a Link),
        target: &'a Target,
        cells: &mut Vec<Cell<'a>>,
    ) {
        let variable = target.variable;
        if let Some((lists, is_names)) = lists(variable) {
            let members = lists.iter().flat_map(|list| self.state.list(*list));
            let is_over = !is_names && self.state.proven() > 0 && passes_over(link, target);
            let left = members.filter(|member| !(is_over && member.is_proven));
            // Most values are not even taken along.
            let gates = if target.is_count { None } else { self.sieve(link) };
            let is_closed =
                |id| gates.is_some_and(|it| self.is_known_closed(id, link.pipeline, it));
            let open = left.filter(|member| !is_closed(member.id_of(is_names)));
            let chosen = open.filter(|member| target.selector.selects(member.name));
            cells.extend(chosen.map(|member| member_cell(variable, member, is_names)));
            return;
        }
        match variable {
            Variable::Tx => self.select_tx(target, cells),
            Variable::Xml => self.select_xml(target, cells),
            Variable::MatchedVars => {
                let chosen =
                    self.state.matched.iter().filter(|one| target.selector.selects(one.name));
                cells.extend(chosen.map(|one| Cell { id: None, ..*one }));
            }
            Variable::MatchedVarsNames => {
                for one in self.state.matched.iter().filter(|one| target.selector.selects(one.name))
                {
                    let value = self.full_name(one);
                    cells.push(Cell { variable, is_count: false, name: one.name, value, id: None });
                }
            }
            Variable::Rule => self.select_rule(rule, target, cells),
            _ if variable.shape() == Shape::Scalar => cells.push(self.scalar_cell(variable)),
            _ => {
                if let Some(store) = kept(variable) {
                    self.select_kept(store, target, cells);
                }
            }
        }
    }

    /// The gates that a value of this link must pass, where nothing else is asked of the others.
    fn sieve(&self, link: &Link) -> Option<Gates> {
        let is_plain = matches!(&link.test, Test::Operator { is_negated: false, .. });
        let is_sieved = is_plain && link.stages.is_none();
        link.gates.filter(|_| is_sieved && self.rules.evaluation == Evaluation::Filtered)
    }

    pub(super) fn scalar_cell(&self, variable: Variable) -> Cell<'a> {
        let cell = |value| Cell { variable, is_count: false, name: &[], value, id: None };
        match variable {
            Variable::MatchedVar => match &self.state.last_matched {
                Some(last) => Cell { id: None, ..*last },
                None => cell(&[]),
            },
            Variable::MatchedVarName => {
                cell(self.state.last_matched.as_ref().map_or(&[], |last| self.full_name(last)))
            }
            Variable::HighestSeverity => {
                let severity = i64::from(self.state.highest_severity.unwrap_or(255));
                cell(self.arena.number(severity))
            }
            _ => self.state.scalar_cell(variable),
        }
    }

    /// The first value of a variable or of one of its members.
    pub(super) fn first_value(&self, variable: Variable, key: Option<&[u8]>) -> &'a [u8] {
        let is_it = |name: &[u8]| key.is_none_or(|key| key.eq_ignore_ascii_case(name));
        if let Some((lists, is_names)) = lists(variable) {
            let mut members = lists.iter().flat_map(|list| self.state.list(*list));
            let found = members.find(|member| is_it(member.name));
            return found.map_or(&[], |one| if is_names { one.name } else { one.value });
        }
        if let Some(store) = kept(variable) {
            let members = self.persistent.get(store).into_iter().flat_map(|opened| &opened.members);
            let mut found = members.filter(|(name, _)| is_it(name));
            return found.next().map_or(&[], |(_, kept)| kept.value);
        }
        match (variable, key) {
            (Variable::Tx, Some(key)) => self.tx.get(key).unwrap_or_default(),
            _ if variable.shape() == Shape::Scalar => self.scalar_cell(variable).value,
            _ => &[],
        }
    }

    fn select_tx(&self, target: &'a Target, cells: &mut Vec<Cell<'a>>) {
        let variable = Variable::Tx;
        if let Selector::Key(key) = &target.selector {
            if let Some(value) = self.tx.get(key) {
                cells.push(Cell { variable, is_count: false, name: key, value, id: None });
            }
            return;
        }
        for (name, value) in self.tx.iter().filter(|(name, _)| target.selector.selects(name)) {
            let name = self.arena.keep(name);
            cells.push(Cell { variable, is_count: false, name, value, id: None });
        }
    }

    fn select_xml(&self, target: &'a Target, cells: &mut Vec<Cell<'a>>) {
        let Selector::Key(path) = &target.selector else { return };
        let list = match PathKind::parse(path) {
            Some(PathKind::Attributes) => List::XmlAttributes,
            Some(PathKind::Text) => List::XmlText,
            None => return,
        };
        let members = self.state.list(list).iter();
        cells.extend(members.map(|member| member_cell(Variable::Xml, member, false)));
    }

    fn select_kept(&self, store: Store, target: &'a Target, cells: &mut Vec<Cell<'a>>) {
        let members = self.persistent.get(store).into_iter().flat_map(|opened| &opened.members);
        for (name, kept) in members.filter(|(name, _)| target.selector.selects(name)) {
            let name = self.arena.keep(name);
            let variable = target.variable;
            cells.push(Cell { variable, is_count: false, name, value: kept.value, id: None });
        }
    }

    fn select_rule(&self, rule: &'a Rule, target: &'a Target, cells: &mut Vec<Cell<'a>>) {
        for name in [&b"id"[..], b"msg", b"severity", b"rev", b"logdata"] {
            if target.selector.selects(name) {
                let value = self.rule_property(rule, name);
                let variable = target.variable;
                cells.push(Cell { variable, is_count: false, name, value, id: None });
            }
        }
    }

    pub(super) fn rule_property(&self, rule: &'a Rule, name: &[u8]) -> &'a [u8] {
        let meta = &rule.meta;
        let id = i64::try_from(rule.id).unwrap_or(i64::MAX);
        match name {
            b"id" => self.arena.number(id),
            b"severity" => meta.severity.map_or(&[], |level| self.arena.number(i64::from(level))),
            b"rev" => meta.rev.as_deref().map_or(&[], str::as_bytes),
            b"msg" => meta.msg.as_ref().map_or(&[], |text| self.expand(rule, text)),
            b"logdata" => meta.logdata.as_ref().map_or(&[], |text| self.expand(rule, text)),
            _ => &[],
        }
    }

    /// `ARGS:name`, as logs and `MATCHED_VAR_NAME` have it.
    pub(super) fn full_name(&self, cell: &Cell<'a>) -> &'a [u8] {
        let variable = cell.variable.name().as_bytes();
        if cell.name.is_empty() && cell.variable.shape() == Shape::Scalar {
            return variable;
        }
        let sign: &[u8] = if cell.is_count { b"&" } else { b"" };
        if cell.name.is_empty() && cell.is_count {
            return self.arena.join(&[sign, variable]);
        }
        self.arena.join(&[sign, variable, b":", cell.name])
    }
}

fn member_cell<'a>(variable: Variable, member: &Member<'a>, is_names: bool) -> Cell<'a> {
    let value = if is_names { member.name } else { member.value };
    let id = member.id_of(is_names);
    Cell { variable, is_count: false, name: member.name, value, id: Some(id) }
}

/// The lists that a variable is made of, and whether its values are their names.
pub(crate) fn lists(variable: Variable) -> Option<(&'static [List], bool)> {
    Some(match variable {
        Variable::Args => (&[List::ArgsGet, List::ArgsPost], false),
        Variable::ArgsGet => (&[List::ArgsGet], false),
        Variable::ArgsGetNames => (&[List::ArgsGet], true),
        Variable::ArgsNames => (&[List::ArgsGet, List::ArgsPost], true),
        Variable::ArgsPost => (&[List::ArgsPost], false),
        Variable::ArgsPostNames => (&[List::ArgsPost], true),
        Variable::Files => (&[List::Files], false),
        Variable::FilesNames => (&[List::Files], true),
        Variable::FilesSizes => (&[List::FilesSizes], false),
        Variable::FilesTmpContent => (&[List::FilesTmpContent], false),
        Variable::MultipartFilename => (&[List::MultipartFilename], false),
        Variable::MultipartName => (&[List::MultipartName], false),
        Variable::MultipartPartHeaders => (&[List::PartHeaders], false),
        Variable::RequestCookies => (&[List::RequestCookies], false),
        Variable::RequestCookiesNames => (&[List::RequestCookies], true),
        Variable::RequestHeaders => (&[List::RequestHeaders], false),
        Variable::RequestHeadersNames => (&[List::RequestHeaders], true),
        Variable::ResponseHeaders => (&[List::ResponseHeaders], false),
        Variable::ResponseHeadersNames => (&[List::ResponseHeaders], true),
        _ => return None,
    })
}

/// The kept collection behind a variable.
pub(super) fn kept(variable: Variable) -> Option<Store> {
    match variable {
        Variable::Global => Some(Store::Global),
        Variable::Ip => Some(Store::Ip),
        Variable::Resource => Some(Store::Resource),
        Variable::Session => Some(Store::Session),
        Variable::User => Some(Store::User),
        _ => None,
    }
}
