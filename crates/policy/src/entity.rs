//! The Cedar entities: people, roles, services, and operations in their API.
//!
//! Ids go through Cedar's own types and never through text, so that no name can break out of its
//! quotes. Entities are built per question, two or three of them: a store of all people would cost
//! more than all decisions together.

use std::collections::{HashMap, HashSet};

use cedar_policy::{
    Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, Request, RestrictedExpression,
};

use crate::{PersonFacts, Question};

/// The role that everybody has, signed in or not. Reserved in the manifest.
pub(crate) const ANYONE: &str = "anyone";

/// The id of an entity. The type names are constants of this package.
pub(crate) fn uid(kind: &str, id: &str) -> Option<EntityUid> {
    let kind: EntityTypeName = kind.parse().ok()?;
    Some(EntityUid::from_type_name_and_id(kind, EntityId::new(id)))
}

/// `users.getUser`: names of services have no dot, so this reads in one way.
pub(crate) fn operation_id(service: &str, operation: &str) -> String {
    format!("{service}.{operation}")
}

/// The question as a Cedar request with its entities; `None` when Cedar cannot express it.
pub(crate) fn request(question: &Question<'_>, own: bool) -> Option<(Request, Entities)> {
    let resource = uid("Operation", &operation_id(question.service, question.operation))?;
    let api = uid("Api", question.service)?;
    let mut entities = vec![Entity::new_no_attrs(resource.clone(), HashSet::from([api]))];

    let person = match question.person {
        Some(person) => {
            let entity = user(person)?;
            let id = entity.uid();
            entities.push(entity);
            Some(id)
        }
        None => None,
    };
    let principal = match (question.caller, &person) {
        (Some(caller), _) => uid("Service", caller)?,
        (None, Some(person)) => person.clone(),
        (None, None) => {
            let id = uid("Anonymous", "anonymous")?;
            entities.push(Entity::new_no_attrs(id.clone(), HashSet::from([uid("Role", ANYONE)?])));
            id
        }
    };
    let on_behalf = person.filter(|_| question.caller.is_some());
    let context = context(question, own, on_behalf)?;
    // Without a schema: the policies were validated, and these entities are made right here.
    let entities = Entities::from_entities(entities, None).ok()?;
    let request = Request::new(principal, uid("Action", "call")?, resource, context, None).ok()?;
    Some((request, entities))
}

fn user(person: &PersonFacts) -> Option<Entity> {
    let mut parents = HashSet::from([uid("Role", ANYONE)?]);
    for role in &person.roles {
        parents.insert(uid("Role", role)?);
    }
    let attributes = HashMap::from([
        ("name".to_owned(), RestrictedExpression::new_string(person.name.clone())),
        (
            "organisation".to_owned(),
            RestrictedExpression::new_string(person.organisation.as_str().to_owned()),
        ),
        ("mfa".to_owned(), RestrictedExpression::new_bool(person.mfa)),
    ]);
    Entity::new(uid("User", &person.subject)?, attributes, parents).ok()
}

fn context(question: &Question<'_>, own: bool, person: Option<EntityUid>) -> Option<Context> {
    let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
    let facts = &question.circumstances;
    let mut pairs = vec![
        ("own".to_owned(), RestrictedExpression::new_bool(own)),
        ("method".to_owned(), text(facts.method)),
        ("path".to_owned(), text(facts.path)),
        ("address".to_owned(), text(&facts.address.map(|ip| ip.to_string()).unwrap_or_default())),
        ("time".to_owned(), RestrictedExpression::new_long(facts.unix_secs)),
    ];
    if let Some(person) = person {
        pairs.push(("person".to_owned(), RestrictedExpression::new_entity_uid(person)));
    }
    Context::from_pairs(pairs).ok()
}
