//! What a document would cost, through its fragments.

use std::collections::BTreeMap;

use super::Limits;
use super::counts::Counts;
use super::document::{Document, Field, Operation, Selection};
use super::lex::Why;
use crate::finding::Findings;
use crate::json::Json;
use crate::limits::GRAPHQL_RECURSION_MAX;

/// Sums, and the deepest.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Measure {
    depth: u32,
    cost: u64,
    aliases: u32,
    root_fields: u32,
    directives: u32,
    has_introspection: bool,
}

impl Measure {
    /// What is asked for as well.
    pub(super) fn add(&mut self, other: &Self) {
        self.depth = self.depth.max(other.depth);
        self.cost = self.cost.saturating_add(other.cost);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.root_fields = self.root_fields.saturating_add(other.root_fields);
        self.directives = self.directives.saturating_add(other.directives);
        self.has_introspection |= other.has_introspection;
    }

    /// Finds what is over a limit.
    pub(super) fn hold_to(&self, limits: &Limits, findings: &mut Findings) {
        let pairs = [
            ("depth", u64::from(self.depth), u64::from(limits.depth_max)),
            ("cost", self.cost, limits.cost_max),
            ("aliases", u64::from(self.aliases), u64::from(limits.aliases_max)),
            ("fields at the top", u64::from(self.root_fields), u64::from(limits.root_fields_max)),
            ("directives", u64::from(self.directives), u64::from(limits.directives_max)),
        ];
        for (what, found, most) in pairs {
            if found == u64::MAX {
                findings.strict(format!("{what} without an end; the service takes {most}"));
            } else if found > most {
                findings.strict(format!("{what}: {found}; the service takes {most}"));
            }
        }
        if self.has_introspection && !limits.allows_introspection {
            findings.strict("a question for the schema");
        }
    }
}

/// Measures each operation; the largest of each kind counts, as one of them runs.
pub(super) fn measure(
    document: &Document<'_>,
    variables: Option<&Json>,
    counts: &[String],
) -> Result<Measure, Why> {
    let mut largest = Measure { directives: document.directives, ..Measure::default() };
    for operation in &document.operations {
        let mut walk = Walk {
            document,
            operation,
            counts: Counts::new(variables, counts),
            known: BTreeMap::new(),
            level: 0,
        };
        let found = walk.selections(&operation.selections)?;
        largest.depth = largest.depth.max(found.depth);
        largest.cost = largest.cost.max(found.cost);
        largest.aliases = largest.aliases.max(found.aliases);
        largest.root_fields = largest.root_fields.max(found.root_fields);
        largest.has_introspection |= found.has_introspection;
        // A server reads fragments also where nothing uses them.
        for fragment in &document.fragments {
            walk.fragment(fragment.name)?;
        }
    }
    if document.operations.is_empty() {
        Err("a document without an operation")
    } else {
        Ok(largest)
    }
}

struct Walk<'a> {
    document: &'a Document<'a>,
    operation: &'a Operation<'a>,
    counts: Counts<'a>,
    /// Fragments by name; nothing while one is being measured.
    known: BTreeMap<&'a str, Option<Measure>>,
    level: u32,
}

impl<'a> Walk<'a> {
    fn selections(&mut self, selections: &'a [Selection<'a>]) -> Result<Measure, Why> {
        self.level += 1;
        if self.level > GRAPHQL_RECURSION_MAX {
            return Err("a query that is nested too deeply");
        }
        let mut sum = Measure::default();
        for selection in selections {
            let found = match selection {
                Selection::Field(field) => self.field(field)?,
                Selection::Inline(inner) => self.selections(inner)?,
                Selection::Spread(name) => self.fragment(name)?,
            };
            sum.add(&found);
        }
        self.level -= 1;
        Ok(sum)
    }

    fn field(&mut self, field: &'a Field<'a>) -> Result<Measure, Why> {
        let inner = self.selections(&field.selections)?;
        let times = self.times(field)?;
        Ok(Measure {
            depth: inner.depth.saturating_add(1),
            cost: inner.cost.saturating_add(1).saturating_mul(times),
            aliases: inner.aliases.saturating_add(u32::from(field.has_alias)),
            root_fields: 1,
            directives: 0,
            has_introspection: inner.has_introspection
                || matches!(field.name, "__schema" | "__type" | "_service"),
        })
    }

    fn fragment(&mut self, name: &str) -> Result<Measure, Why> {
        match self.known.get(name) {
            Some(Some(measure)) => return Ok(*measure),
            Some(None) => return Err("a fragment that contains itself"),
            None => {}
        }
        let fragment = self.document.fragments.iter().find(|one| one.name == name);
        let fragment = fragment.ok_or("a fragment that is not there")?;
        self.known.insert(fragment.name, None);
        let measure = self.selections(&fragment.selections)?;
        self.known.insert(fragment.name, Some(measure));
        Ok(measure)
    }

    /// How many objects a field may give: the largest number that one of its arguments says.
    fn times(&mut self, field: &'a Field<'a>) -> Result<u64, Why> {
        let said = self.counts.members(&field.arguments, false, self.operation);
        if self.counts.steps_left == 0 {
            return Err("a query that takes too long to measure");
        }
        Ok(said.unwrap_or(1).max(1))
    }
}
