//! Policies with conditions, from Cedar files.
//!
//! A file is validated strictly against the schema; nothing of it is loaded when one policy is
//! wrong. Each policy is then filed under the operations that its scope can reach, because Cedar
//! takes about a microsecond for each policy that it looks at.

use std::collections::{BTreeMap, HashMap};
use std::str::FromStr as _;
use std::sync::Arc;

use cedar_policy::ffi::DetailedError;
use cedar_policy::{
    AuthorizationError, Authorizer, EntityUid, Policy, PolicyId, PolicySet, ResourceConstraint,
    Schema, ValidationMode, Validator,
};
use ringwall_base::Place;

use crate::entity::{operation_id, request, uid};
use crate::{Inventory, Origin, Problem, Question};

/// The policies that can apply to one operation; operations with the same ones share them.
#[derive(Debug)]
pub(crate) struct Conditions {
    authorizer: Authorizer,
    policies: PolicySet,
    origins: HashMap<PolicyId, usize>,
}

/// What conditions say about one question.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// A policy failed. Cedar skips it; we do not, because it may have been a `forbid`.
    Failed(Option<usize>),
    Forbid(usize),
    /// None applies: the table decides.
    None,
    Permit(usize),
}

/// All policies of all files, before they are filed under operations.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    policies: Vec<(Policy, usize)>,
    shared: BTreeMap<Vec<usize>, Arc<Conditions>>,
}

/// A policy, and where it stands.
type Placed = (Policy, Origin);

/// Larger files are refused: a policy is read by people, too.
const FILE_BYTES_MAX: usize = 256 * 1024;

/// More policies are refused: an operation that all apply to would take a millisecond.
const POLICIES_MAX: usize = 1_000;

impl Conditions {
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.origins.len()
    }

    /// What the policies say; `own` asks for a permission limited to own objects.
    pub(crate) fn ask(&self, question: &Question<'_>, own: bool) -> Verdict {
        let Some((request, entities)) = request(question, own) else {
            return Verdict::Failed(None);
        };
        let response = self.authorizer.is_authorized(&request, &self.policies, &entities);
        if let Some(error) = response.diagnostics().errors().next() {
            let AuthorizationError::PolicyEvaluationError(error) = error;
            return Verdict::Failed(self.origins.get(error.policy_id()).copied());
        }
        // The first one of the file, so that equal questions name equal policies.
        let first = response.diagnostics().reason().filter_map(|id| self.origins.get(id)).min();
        match (response.decision(), first) {
            (cedar_policy::Decision::Allow, Some(rule)) => Verdict::Permit(*rule),
            (cedar_policy::Decision::Deny, Some(rule)) => Verdict::Forbid(*rule),
            (cedar_policy::Decision::Deny, None) => Verdict::None,
            (cedar_policy::Decision::Allow, None) => Verdict::Failed(None),
        }
    }
}

impl Loaded {
    /// Reads and validates files; their policies get places after the rules in `origins`.
    pub(crate) fn read(
        files: &[(String, String)],
        schema: &Schema,
        inventory: &Inventory,
        origins: &mut Vec<Origin>,
    ) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut loaded = Self::default();
        for (path, text) in files {
            match read_file(path, text, schema, inventory) {
                Ok(policies) => loaded.add(policies, origins),
                Err(found) => problems.extend(found),
            }
        }
        if loaded.policies.len() > POLICIES_MAX {
            let message = format!("more than {POLICIES_MAX} Cedar policies");
            problems.push(Problem::new(&Place::default(), message));
        }
        if problems.is_empty() { Ok(loaded) } else { Err(problems) }
    }

    fn add(&mut self, policies: Vec<Placed>, origins: &mut Vec<Origin>) {
        for (policy, origin) in policies {
            self.policies.push((policy, origins.len()));
            origins.push(origin);
        }
    }

    /// The policies whose scope reaches the operation, or `None` when there are none.
    pub(crate) fn of(&mut self, service: &str, operation: &str) -> Option<Arc<Conditions>> {
        let resource = uid("Operation", &operation_id(service, operation))?;
        let api = uid("Api", service)?;
        let reach: Vec<usize> = self
            .policies
            .iter()
            .enumerate()
            .filter(|(_, (policy, _))| reaches(policy, &resource, &api))
            .map(|(index, _)| index)
            .collect();
        if reach.is_empty() {
            return None;
        }
        if let Some(conditions) = self.shared.get(&reach) {
            return Some(Arc::clone(conditions));
        }
        let conditions = Arc::new(self.set(&reach));
        self.shared.insert(reach, Arc::clone(&conditions));
        Some(conditions)
    }

    fn set(&self, reach: &[usize]) -> Conditions {
        let mut policies = PolicySet::new();
        let mut origins = HashMap::new();
        for (policy, origin) in reach.iter().filter_map(|index| self.policies.get(*index)) {
            let id = PolicyId::new(origin.to_string());
            // An id is the index of its origin, so it is unique and cannot be refused.
            let added = policies.add(policy.new_id(id.clone()));
            debug_assert!(added.is_ok(), "policy ids are unique");
            origins.insert(id, *origin);
        }
        Conditions { authorizer: Authorizer::new(), policies, origins }
    }
}

/// Whether a policy's scope can reach an operation. An unknown shape of scope reaches all.
fn reaches(policy: &Policy, operation: &EntityUid, api: &EntityUid) -> bool {
    match policy.resource_constraint() {
        ResourceConstraint::Eq(id) => id == *operation,
        ResourceConstraint::In(id) | ResourceConstraint::IsIn(_, id) => {
            id == *operation || id == *api
        }
        ResourceConstraint::Any | ResourceConstraint::Is(_) => true,
    }
}

fn read_file(
    path: &str,
    text: &str,
    schema: &Schema,
    inventory: &Inventory,
) -> Result<Vec<Placed>, Vec<Problem>> {
    let whole = Place { file: path.to_owned(), line: 0, column: 0 };
    if text.len() > FILE_BYTES_MAX {
        let message = format!("larger than {FILE_BYTES_MAX} bytes");
        return Err(vec![Problem::new(&whole, message)]);
    }
    let set = PolicySet::from_str(text)
        .map_err(|error| vec![problem(path, text, &DetailedError::from(&error))])?;
    if set.num_of_templates() > 0 {
        let message = "a template has no use here, because nothing links it".to_owned();
        return Err(vec![Problem::new(&whole, message)]);
    }
    let result = Validator::new(schema.clone()).validate(&set, ValidationMode::Strict);
    if !result.validation_passed() {
        return Err(result
            .validation_errors()
            .map(|error| problem(path, text, &DetailedError::from(error)))
            .collect());
    }
    let policies = placed(path, text, &set);
    let problems: Vec<Problem> = policies
        .iter()
        .filter_map(|(policy, origin)| unknown_operation(policy, inventory, &origin.place))
        .collect();
    if problems.is_empty() { Ok(policies) } else { Err(problems) }
}

/// Policies in the order of the file, each with its line.
fn placed(path: &str, text: &str, set: &PolicySet) -> Vec<Placed> {
    let mut policies: Vec<Policy> = set.policies().cloned().collect();
    // Cedar names policies `policy0`, `policy1`, ... in the order of the file.
    policies.sort_by_key(|policy| {
        policy.id().to_string().trim_start_matches("policy").parse().unwrap_or(usize::MAX)
    });
    let mut from = 0;
    let mut placed = Vec::new();
    for policy in policies {
        let source = policy.to_cedar().unwrap_or_default();
        let start = text.get(from..).and_then(|rest| rest.find(&source)).map(|at| at + from);
        if let Some(start) = start {
            from = start + source.len();
        }
        let id = policy.annotation("id").map_or_else(|| policy.id().to_string(), str::to_owned);
        let place = place(path, text, start);
        placed.push((policy, Origin { id, place }));
    }
    placed
}

/// Strict validation knows the types of operations, not their names: we do, in scope and condition.
fn unknown_operation(policy: &Policy, inventory: &Inventory, place: &Place) -> Option<Problem> {
    let is_known = |name: &str| {
        let (service, operation) = name.split_once('.').unwrap_or((name, ""));
        let operations = inventory.services.get(service);
        operations.is_some_and(|operations| operations.iter().any(|known| known == operation))
    };
    let id = policy
        .entity_literals()
        .into_iter()
        .find(|id| id.type_name().to_string() == "Operation" && !is_known(id.id().unescaped()))?;
    let name = id.id().unescaped();
    let message = format!("no operation is called `{}`", name.escape_debug());
    let mut problem = Problem::new(place, message);
    problem.help = Some("write it as `Operation::\"service.operation\"`".to_owned());
    Some(problem)
}

fn problem(path: &str, text: &str, error: &DetailedError) -> Problem {
    let start = error.source_locations.first().map(|label| label.loc.start);
    // Cedar puts its policy number in front, which the place says better.
    let message = match error.message.split_once(", ") {
        Some((head, rest)) if head.starts_with("for policy `") => rest.to_owned(),
        _ => error.message.clone(),
    };
    Problem { place: place(path, text, start), message, help: error.help.clone() }
}

/// Line and column of a byte; the whole file without one.
fn place(path: &str, text: &str, byte: Option<usize>) -> Place {
    let file = path.to_owned();
    let Some(before) = byte.and_then(|byte| text.get(..byte)) else {
        return Place { file, line: 0, column: 0 };
    };
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Place {
        file,
        line: u32::try_from(line).unwrap_or(u32::MAX),
        column: u32::try_from(column).unwrap_or(u32::MAX),
    }
}
