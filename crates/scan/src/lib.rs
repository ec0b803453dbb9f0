//! Reads source trees without running anything in them: Flask apps, their routes and calls.
//!
//! Start with [`survey`], which finds what `ringwall init` writes down, and [`flask_contract`],
//! which lists the operations of one app. Files are handed in through [`Tree`]; what is read is
//! hostile, is never imported, and cannot make anything happen.

mod tree;
mod python;
mod survey;
mod contract;
mod compose;
mod secrets;

pub use contract::{ContractError, flask_contract};
pub use secrets::SecretHit;
pub use survey::{App, Call, Callee, Survey, survey};
pub use tree::{MemoryTree, Tree};

/// Surveys whatever it is given. For the fuzzer: nothing may panic.
#[doc(hidden)]
pub fn fuzz(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let files = [
        ("app.py", &*text),
        ("docker-compose.yml", &*text),
        (".env", &*text),
        ("api.yaml", &*text),
    ];
    let tree = MemoryTree::of(&files);
    let found = survey(&tree);
    for app in &found.apps {
        // What was surveyed can also be read alone, or says why not.
        drop(flask_contract(&tree, &app.root));
    }
}
