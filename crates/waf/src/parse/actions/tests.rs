use super::*;
use crate::rule::{Change, Control, Store};

#[test]
fn a_list_is_read_with_quotes_commas_and_spaces() {
    let actions = parse(
        b"id:'12',  phase:request,deny , msg:'a, b\\'s %{TX.0}',t:none,t:lowercase,\
          tag:x,tag:'y',severity:'CRITICAL',setvar:'tx.a=+%{tx.b}',skipAfter:END,status:406,nolog",
    )
    .unwrap();
    assert_eq!((actions.id, actions.phase), (Some(12), Some(Phase::RequestBody)));
    assert!(matches!(actions.disruptive, Some(Disruptive::Deny)));
    assert_eq!(actions.meta.msg.unwrap().parts.len(), 2);
    assert_eq!(actions.meta.tags.len(), 2);
    assert_eq!((actions.meta.severity, actions.status), (Some(2), Some(406)));
    assert_eq!(actions.transformations.unwrap().len(), 1);
    assert_eq!(actions.skip_after.as_deref(), Some(&b"END"[..]));
    assert_eq!(actions.log, Some(false));
    let [Effect::SetVar { name, change: Change::Add(_) }] = actions.effects.as_slice() else {
        panic!("{:?}", actions.effects);
    };
    assert_eq!((name.store, name.key.constant()), (Store::Tx, Some(&b"a"[..])));
}

#[test]
fn none_clears_the_transformations_before_it() {
    let actions = parse(b"t:lowercase,t:none,t:urlDecodeUni").unwrap();
    assert_eq!(actions.transformations.unwrap().len(), 1);
    assert_eq!(parse(b"t:none").unwrap().transformations.unwrap().len(), 0);
    assert!(parse(b"id:1").unwrap().transformations.is_none());
}

#[test]
fn controls_are_read() {
    let actions =
        parse(b"ctl:ruleRemoveTargetById=942100-942999;ARGS:foo,ctl:ruleEngine=Off").unwrap();
    let [
        Effect::Control(Control::RemoveTargets(_, targets)),
        Effect::Control(Control::RuleEngine(_)),
    ] = actions.effects.as_slice()
    else {
        panic!("{:?}", actions.effects);
    };
    assert_eq!(targets.len(), 1);
}

#[test]
fn mistakes_are_errors() {
    let wrong = [
        "id:0",
        "id:x",
        "id",
        "phase:6",
        "severity:8",
        "t:base65",
        "msg:'a",
        "msg:'a'b",
        "frobnicate",
        "status:99",
        "setvar:x",
        "setvar:nope.x=1",
        "ctl:x=1",
        "ctl:ruleEngine=maybe",
        "exec:/bin/sh",
        "ctl:ruleRemoveById=9-1",
        "allow:everything",
        "expirevar:tx.a",
        "skip:-1",
    ];
    for text in wrong {
        assert!(parse(text.as_bytes()).is_err(), "{text}");
    }
}
