//! The Cedar schema that an inventory gives.
//!
//! Roles, APIs and services are enumerated, so that strict validation finds a misspelled one.
//! `context.own` asks for a permission that is limited to the caller's own objects;
//! `context.person` is there when a service calls on behalf of a person.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use cedar_policy::EntityId;

use crate::Inventory;
use crate::entity::ANYONE;

/// The schema in Cedar's own syntax.
pub(crate) fn schema(inventory: &Inventory) -> String {
    let roles: BTreeSet<&str> =
        inventory.roles.iter().map(String::as_str).chain([ANYONE]).collect();
    let services: BTreeSet<&str> = inventory.services.keys().map(String::as_str).collect();
    let mut text = String::new();
    enumerated(&mut text, "Role", &roles);
    enumerated(&mut text, "Api", &services);
    enumerated(&mut text, "Service", &services);
    text.push_str(
        "entity Operation in [Api];\n\
         entity User in [Role] { name: String, organisation: String, mfa: Bool };\n\
         entity Anonymous in [Role];\n\
         action \"call\" appliesTo {\n  \
           principal: [User, Anonymous, Service],\n  \
           resource: [Operation],\n  \
           context: {\n    \
             own: Bool,\n    \
             method: String,\n    \
             path: String,\n    \
             address: String,\n    \
             time: Long,\n    \
             person?: User,\n  \
           },\n\
         };\n",
    );
    text
}

fn enumerated(text: &mut String, kind: &str, names: &BTreeSet<&str>) {
    let quoted: Vec<String> =
        names.iter().map(|name| format!("\"{}\"", EntityId::new(name).escaped())).collect();
    // Cedar has no empty enumeration.
    let written = if quoted.is_empty() {
        writeln!(text, "entity {kind};")
    } else {
        writeln!(text, "entity {kind} enum [{}];", quoted.join(", "))
    };
    debug_assert!(written.is_ok(), "writing to a string does not fail");
}
