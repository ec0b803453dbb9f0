//! Why a call is allowed or denied, by which line, and the smallest change that would allow it.

use std::fmt;

use ringwall_base::Place;
use serde_json::{Value, json};

use crate::access::{Access, Caller};
use crate::matrix::word;
use crate::model::{Grant, Model, Scope, Service};
use crate::suggest::{did_you_mean, nearest};

/// Why a call is allowed or denied.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Explanation {
    /// Who asks: a caller, or several roles joined by `,`.
    pub who: String,
    /// `service.operation`, or `partner METHOD /path`.
    pub operation: String,
    /// The line that allows it; none means denied.
    pub access: Option<Access>,
    /// The line as it could be written, such as `people.support = ["getUser"]`.
    pub written: Option<String>,
    /// The table that a line could stand in, such as `[services.users]`.
    pub table: String,
    /// Where that table begins.
    pub table_place: Place,
    /// When denied: the nearest line that allows something.
    pub nearest: Option<Line>,
    /// When denied: whom the suggested line would allow it to, and the line.
    pub to_allow: Option<(String, String)>,
}

/// A line of the manifest.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Line {
    /// Where.
    pub place: Place,
    /// What it says.
    pub text: String,
}

/// Why a question cannot be answered.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum WhyError {
    /// No operation has that name.
    #[error("no operation `{name}`{}", hint(.help.as_deref()))]
    Operation {
        /// As asked.
        name: String,
        /// What may have been meant.
        help: Option<String>,
    },
    /// Nobody has that name.
    #[error("nobody has the name `{name}`{}", hint(.help.as_deref()))]
    Who {
        /// As asked.
        name: String,
        /// What may have been meant.
        help: Option<String>,
    },
}

/// Explains whether `who` may do `operation`.
///
/// `who` is `anyone`, a role, several roles joined by `,`, a service or a partner. `operation` is
/// `service.operation`, or `partner METHOD /path`.
pub fn why(model: &Model, who: &str, operation: &str) -> Result<Explanation, WhyError> {
    let callers = who
        .split(',')
        .map(|name| caller(model, name.trim()))
        .collect::<Result<Vec<Caller>, WhyError>>()?;
    if let Some((partner, route)) = operation.split_once(' ')
        && let Some(about) = model.partners.get(partner)
    {
        return Ok(to_partner(who, (partner, about), route.trim()));
    }
    let (service, name) = find_operation(model, operation)?;
    let access = callers
        .iter()
        .filter_map(|caller| Access::of(model, caller, &service.name, name))
        .min_by_key(|access| access.scope != Scope::All);
    let mut explanation = Explanation {
        who: who.to_owned(),
        operation: format!("{}.{name}", service.name),
        written: access.as_ref().and_then(|access| written(service, access)),
        access,
        table: format!("[services.{}]", service.name),
        table_place: service.place.clone(),
        nearest: None,
        to_allow: None,
    };
    if explanation.access.is_none() {
        suggest(service, name, callers.first().unwrap_or(&Caller::Anyone), &mut explanation);
    }
    Ok(explanation)
}

impl Explanation {
    /// Whether a line allows it.
    pub fn is_allowed(&self) -> bool {
        self.access.is_some()
    }

    /// For people; no trailing newline.
    pub fn to_text(&self) -> String {
        let Self { who, operation, table, table_place, .. } = self;
        let Some(access) = &self.access else {
            let (file, line) = (&table_place.file, table_place.line);
            let nearest = self.nearest.as_ref().map_or_else(String::new, |near| {
                format!(" The nearest: line {}  {}", near.place.line, near.text)
            });
            let change = self.to_allow.as_ref().map_or_else(String::new, |(whom, line)| {
                format!("\nto allow it to {whom}:  {line}")
            });
            return format!(
                "denied: {who} → {operation}\n\
                 no line allows it ({file}:{line} {table}).{nearest}{change}"
            );
        };
        let narrowed = match access.scope {
            Scope::All => "",
            Scope::OnBehalf => ", only when a person's call is passed on",
            Scope::Own => ", only their own objects",
        };
        let line = self.written.as_deref().unwrap_or("");
        format!("allowed: {who} → {operation}{narrowed}\nby {}  {line}", access.place)
    }

    /// For programs.
    pub fn to_json(&self) -> Value {
        let line = |line: &Line| json!({ "line": line.place.to_string(), "text": line.text });
        json!({
            "who": self.who,
            "operation": self.operation,
            "access": word(self.access.as_ref()),
            "line": self.access.as_ref().map(|access| access.place.to_string()),
            "text": self.written,
            "nearest": self.nearest.as_ref().map(line),
            "to_allow": self.to_allow.as_ref().map(|(whom, line)| json!({ "to": whom, "text": line })),
        })
    }
}

fn hint(help: Option<&str>) -> String {
    help.map(|help| format!("; {help}")).unwrap_or_default()
}

fn caller(model: &Model, name: &str) -> Result<Caller, WhyError> {
    if name == "anyone" || name == "anonymous" {
        return Ok(Caller::Anyone);
    }
    let owned = name.to_owned();
    if model.roles.contains_key(name) {
        return Ok(Caller::Role(owned));
    }
    if model.services.contains_key(name) {
        return Ok(Caller::Service(owned));
    }
    if model.partners.contains_key(name) {
        return Ok(Caller::Partner(owned));
    }
    let names = model.roles.keys().chain(model.services.keys()).chain(model.partners.keys());
    let help = did_you_mean(name, names.map(String::as_str).chain(["anyone"]));
    Err(WhyError::Who { name: owned, help })
}

/// `service.operation`, or a bare operation that only one service has.
fn find_operation<'a>(model: &'a Model, text: &'a str) -> Result<(&'a Service, &'a str), WhyError> {
    if let Some((service, name)) = text.split_once('.')
        && let Some(service) = model.services.get(service)
    {
        if let Some((name, _)) = service.operations.get_key_value(name) {
            return Ok((service, name));
        }
        let names = service.operations.keys().map(String::as_str);
        let help =
            nearest(name, names).map(|near| format!("did you mean `{}.{near}`?", service.name));
        return Err(WhyError::Operation { name: text.to_owned(), help });
    }
    let mut with = model.services.values().filter(|service| service.operations.contains_key(text));
    if let (Some(service), None) = (with.next(), with.next()) {
        return Ok((service, text));
    }
    let full: Vec<String> = model
        .services
        .values()
        .flat_map(|service| {
            service.operations.keys().map(move |name| format!("{}.{name}", service.name))
        })
        .collect();
    let help = did_you_mean(text, full.iter().map(String::as_str))
        .or_else(|| Some("write `service.operation`".to_owned()));
    Err(WhyError::Operation { name: text.to_owned(), help })
}

/// A line of grants as it would be written.
fn line_text(kind: &str, name: &str, grants: &[Grant], more: Option<&str>) -> String {
    let mut words: Vec<String> = grants
        .iter()
        .map(|grant| match grant.scope {
            Scope::All => grant.operation.clone(),
            Scope::OnBehalf => format!("{}:on-behalf", grant.operation),
            Scope::Own => format!("{}:own", grant.operation),
        })
        .collect();
    // Grants of one place were written as `*`.
    if let [first, second, ..] = grants
        && first.place == second.place
    {
        words = vec!["*".to_owned()];
    }
    // The wider grant takes the place of a narrower one.
    if let Some(more) = more {
        words.retain(|word| word.split(':').next() != Some(more));
        words.push(more.to_owned());
    }
    let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    format!("{kind}.{name} = [{}]", words.join(", "))
}

fn written(service: &Service, access: &Access) -> Option<String> {
    let lists = [("people", &service.people), ("callers", &service.callers)];
    lists.iter().find_map(|(kind, lists)| {
        let grants = lists.get(&access.by)?;
        let is_it = grants.iter().any(|grant| grant.place == access.place);
        is_it.then(|| line_text(kind, &access.by, grants, None))
    })
}

/// Finds the nearest line and the smallest change.
///
/// For somebody with a name the change is theirs. For anybody it is the nearest role: opening an
/// operation to the internet is nothing to suggest.
fn suggest(service: &Service, operation: &str, who: &Caller, explanation: &mut Explanation) {
    let (kind, lists) = match who {
        Caller::Service(_) => ("callers", &service.callers),
        Caller::Anyone | Caller::Partner(_) | Caller::Role(_) => ("people", &service.people),
    };
    let own = lists.get(who.name()).filter(|grants| *who != Caller::Anyone && !grants.is_empty());
    let chosen = match own {
        Some(grants) => Some((who.name(), grants)),
        None => lists
            .iter()
            .filter(|(name, grants)| *name != "anyone" && !grants.is_empty())
            .max_by_key(|(_, grants)| likeness(grants, operation))
            .map(|(name, grants)| (name.as_str(), grants)),
    };
    if let Some((name, grants)) = chosen {
        let place = grants.first().map(|grant| grant.place.clone()).unwrap_or_default();
        explanation.nearest = Some(Line { place, text: line_text(kind, name, grants, None) });
    }
    explanation.to_allow = match (who, chosen) {
        (Caller::Partner(_), _) | (Caller::Anyone, None) => None,
        (Caller::Anyone, Some((name, grants))) => {
            Some((name.to_owned(), line_text(kind, name, grants, Some(operation))))
        }
        (_, _) => {
            let grants = own.map_or(&[][..], Vec::as_slice);
            Some((who.name().to_owned(), line_text(kind, who.name(), grants, Some(operation))))
        }
    };
}

/// How near a list of grants is: full grants before narrowed ones, then the longest common end,
/// because `listUsers` is nearer to `getUser` than to `register`.
fn likeness(grants: &[Grant], operation: &str) -> (bool, usize) {
    let common = |name: &str| {
        let stem = |text: &str| text.trim_end_matches('s').to_lowercase();
        let (a, b) = (stem(name), stem(operation));
        a.chars().rev().zip(b.chars().rev()).take_while(|(a, b)| a == b).count()
    };
    let is_full = grants.iter().any(|grant| grant.scope == Scope::All);
    (is_full, grants.iter().map(|grant| common(&grant.operation)).max().unwrap_or(0))
}

fn to_partner(
    who: &str,
    (partner, about): (&str, &crate::model::Partner),
    route: &str,
) -> Explanation {
    let grants = about.callers.get(who).map_or(&[][..], Vec::as_slice);
    let access = grants.iter().find(|grant| grant.operation == route).map(|grant| Access {
        scope: grant.scope,
        place: grant.place.clone(),
        by: who.to_owned(),
    });
    let near = about.callers.iter().next();
    Explanation {
        who: who.to_owned(),
        operation: format!("{partner} {route}"),
        written: access.as_ref().map(|_| line_text("callers", who, grants, None)),
        nearest: near.filter(|_| access.is_none()).map(|(name, grants)| Line {
            place: grants.first().map(|grant| grant.place.clone()).unwrap_or_default(),
            text: line_text("callers", name, grants, None),
        }),
        to_allow: access
            .is_none()
            .then(|| (who.to_owned(), line_text("callers", who, grants, Some(route)))),
        access,
        table: format!("[partners.{partner}]"),
        table_place: about.place.clone(),
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}
