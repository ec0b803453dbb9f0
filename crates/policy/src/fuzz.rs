//! The fuzzer's way in: any text as a Cedar file, any names as a question.

use std::collections::BTreeMap;

use crate::{Circumstances, Engine, Inventory, PersonFacts, Question};

/// Builds an engine from hostile text and asks it. The contract: no panic.
pub fn fuzz(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (question, file) = text.split_once('\n').unwrap_or((&text, ""));
    let inventory = Inventory {
        services: BTreeMap::from([("users".to_owned(), vec!["getUser".to_owned()])]),
        roles: vec!["customer".to_owned()],
    };
    let files = [("fuzz.cedar".to_owned(), file.to_owned())];
    let Ok(engine) = Engine::build(&inventory, &[], &files) else { return };
    let mut words = question.split(' ');
    let person = words.next().map(|subject| PersonFacts {
        subject: subject.to_owned(),
        roles: vec!["customer".to_owned()],
        ..PersonFacts::default()
    });
    let question = Question {
        person: person.as_ref(),
        caller: words.next(),
        service: "users",
        operation: words.next().unwrap_or("getUser"),
        circumstances: Circumstances::default(),
    };
    // Whatever it is, the answer is the same twice.
    debug_assert_eq!(engine.decide(&question), engine.decide(&question), "decisions are pure");
}
