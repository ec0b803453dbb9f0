//! Grants written as Cedar policies: what the table means, in a language with a specification.

use std::fmt::Write as _;

use crate::entity::{ANYONE, operation_id, uid};
use crate::{Principal, Rule, Scope};

/// One policy for each rule, in order, with the rule's name and place as annotations.
pub(crate) fn policies(rules: &[Rule]) -> String {
    let mut text = String::new();
    for rule in rules {
        if let Some(policy) = policy(rule) {
            text.push_str(&policy);
        }
    }
    text
}

/// `None` only if a type name of this package were no Cedar name.
fn policy(rule: &Rule) -> Option<String> {
    let principal = match &rule.principal {
        Principal::Anyone => format!("in {}", uid("Role", ANYONE)?),
        Principal::Role(name) => format!("in {}", uid("Role", name)?),
        Principal::Service(name) => format!("== {}", uid("Service", name)?),
    };
    let resource = uid("Operation", &operation_id(&rule.service, &rule.operation))?;
    let condition = match rule.scope {
        Scope::All => "",
        Scope::OnBehalf => " when { context has person }",
        Scope::Own => " when { context.own }",
    };
    let mut text = String::new();
    writeln!(text, "// {}", rule.place.to_string().replace(['\n', '\r'], " ")).ok()?;
    writeln!(
        text,
        "permit (principal {principal}, action == Action::\"call\", resource == {resource}){condition};"
    )
    .ok()?;
    Some(text)
}
