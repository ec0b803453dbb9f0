//! What a match changes: variables, and the settings of the transaction.

use std::collections::BTreeMap;

use crate::cursor::atoi;
use crate::limits::DYNAMIC_MEMBERS_MAX;
use crate::memory::{Delta, DeltaChange};
use crate::rule::{Change, Control, Effect, Engine, MemberName, PartsChange, Rule, Store};
use crate::transaction::Transaction;
use crate::transaction::stores::{self, Kept, Opened};
use crate::variable::Variable;

impl<'a> Transaction<'a> {
    pub(super) fn apply(&mut self, rule: &'a Rule, effect: &'a Effect) {
        match effect {
            Effect::Control(control) => self.control(control),
            Effect::ExpireVar { name, seconds } => {
                let seconds = atoi(self.expand(rule, seconds));
                self.expire(rule, name, u64::try_from(seconds).unwrap_or(0));
            }
            Effect::InitCollection { collection, key } => {
                let key = self.expand(rule, key);
                self.open(*collection, key);
            }
            Effect::SetVar { name, change } => self.set_var(rule, name, change),
        }
    }

    fn set_var(&mut self, rule: &'a Rule, name: &'a MemberName, change: &'a Change) {
        let key = match name.slot {
            Some(_) => Vec::new(),
            None => self.expand(rule, &name.key).to_ascii_lowercase(),
        };
        let amount = |template| atoi(self.expand(rule, template));
        let added = match change {
            Change::Add(text) => Some(amount(text)),
            Change::Subtract(text) => Some(amount(text).saturating_neg()),
            Change::Delete | Change::Set(_) => None,
        };
        let value = match (change, added) {
            (Change::Set(text), _) => Some(self.expand(rule, text)),
            (_, Some(added)) => {
                Some(self.arena.number(self.number(name, &key).saturating_add(added)))
            }
            (_, None) => None,
        };
        self.work.take(key.len() + value.map_or(0, <[u8]>::len));
        match (name.store, name.slot) {
            (Store::Tx, Some(slot)) => self.tx.set_at(slot, value),
            (Store::Tx, None) => self.tx.set(&key, value),
            (store, _) => self.set_kept(store, &key, value, added),
        }
    }

    fn number(&self, name: &MemberName, key: &[u8]) -> i64 {
        let value = match (name.store, name.slot) {
            (Store::Tx, Some(slot)) => self.tx.at(slot),
            (Store::Tx, None) => self.tx.get(key),
            (store, _) => {
                let opened = self.persistent.get(store);
                opened.and_then(|opened| opened.members.get(key)).map(|kept| kept.value)
            }
        };
        value.map_or(0, atoi)
    }

    /// Without `initcol` there is no collection, and nothing is kept.
    fn set_kept(&mut self, store: Store, key: &[u8], value: Option<&'a [u8]>, added: Option<i64>) {
        let timeout = self.rules.settings.collection_timeout_secs;
        let first_expiry = self.connection.now_secs.saturating_add(timeout);
        let Some(opened) = self.persistent.get_mut(store) else { return };
        let has_room = opened.members.len() < DYNAMIC_MEMBERS_MAX;
        match (value, opened.members.get_mut(key)) {
            (None, _) => {
                opened.members.remove(key);
            }
            (Some(value), Some(kept)) => kept.value = value,
            (Some(value), None) if has_room => {
                let kept = Kept { value, expires_secs: first_expiry };
                opened.members.insert(key.to_vec(), kept);
            }
            (Some(_), None) => return,
        }
        if let Some(delta) = opened.delta(key, first_expiry) {
            delta.then(match (added, value) {
                (Some(added), _) => DeltaChange::Add(added),
                (None, Some(value)) => DeltaChange::Set(value.to_vec()),
                (None, None) => DeltaChange::Delete,
            });
        }
    }

    fn expire(&mut self, rule: &'a Rule, name: &'a MemberName, seconds: u64) {
        let key = self.expand(rule, &name.key).to_ascii_lowercase();
        let expires_secs = self.connection.now_secs.saturating_add(seconds);
        let Some(opened) = self.persistent.get_mut(name.store) else { return };
        let Some(kept) = opened.members.get_mut(&key) else { return };
        kept.expires_secs = expires_secs;
        if let Some(delta) = opened.delta(&key, expires_secs) {
            delta.expires_secs = Some(expires_secs);
        }
    }

    fn open(&mut self, store: Store, key: &'a [u8]) {
        if self.persistent.get(store).is_some() {
            return;
        }
        let now_secs = self.connection.now_secs;
        let loaded = self.memory.load(stores::name(store), key, now_secs);
        let members = loaded.into_iter().filter(|one| one.expires_secs > now_secs).map(|one| {
            let value = self.arena.keep(&one.value);
            (one.name, Kept { value, expires_secs: one.expires_secs })
        });
        let members = members.collect();
        self.persistent.open.push(Opened { store, key, members, deltas: BTreeMap::new() });
        match store {
            Store::Session => self.state.set(Variable::Sessionid, key),
            Store::User => self.state.set(Variable::Userid, key),
            _ => {}
        }
    }

    pub(super) fn save_collections(&mut self) {
        let now_secs = self.connection.now_secs;
        for opened in self.persistent.open.iter_mut().filter(|opened| !opened.deltas.is_empty()) {
            let deltas: Vec<Delta> = std::mem::take(&mut opened.deltas).into_values().collect();
            self.memory.apply(stores::name(opened.store), opened.key, &deltas, now_secs);
        }
    }

    fn control(&mut self, control: &'a Control) {
        let own = &mut self.control;
        match control {
            Control::AuditEngine(engine) => own.audit_engine = *engine,
            Control::AuditLogParts(change) => change_parts(&mut own.audit_parts, change),
            Control::ForceRequestBodyVariable(forces) => own.forces_request_body = *forces,
            Control::Ignored => {}
            Control::ParseXmlIntoArgs(how) => own.xml_into_args = *how,
            Control::RemoveRules(chosen) => own.remove(&chosen.rules),
            Control::RemoveTargets(chosen, targets) => {
                own.remove_targets(&chosen.rules, targets);
            }
            Control::RequestBodyAccess(reads) => own.reads_request_body = *reads,
            Control::RequestBodyLimit(max) => own.request_bytes_max = *max,
            Control::RequestBodyProcessor(processor) => {
                own.processor = Some(*processor);
                self.state.set(Variable::ReqbodyProcessor, processor.name());
            }
            Control::ResponseBodyAccess(reads) => own.reads_response_body = *reads,
            Control::ResponseBodyLimit(max) => own.response_bytes_max = *max,
            Control::RuleEngine(engine) => {
                // A transaction that was only watched is not stopped by a rule of its own set, but
                // the language lets a rule say so.
                let engine: Engine = *engine;
                own.engine = engine;
            }
        }
    }
}

fn change_parts(parts: &mut Vec<u8>, change: &PartsChange) {
    match change {
        PartsChange::Add(letters) => {
            let new: Vec<u8> =
                letters.iter().filter(|letter| !parts.contains(letter)).copied().collect();
            parts.extend(new);
        }
        PartsChange::Remove(letters) => parts.retain(|part| !letters.contains(part)),
        PartsChange::Set(letters) => parts.clone_from(letters),
    }
}
