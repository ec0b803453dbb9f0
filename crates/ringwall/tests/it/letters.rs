//! Letters that `dev` writes into a folder, where there is no mail server.

use std::collections::BTreeSet;
use std::process::Command;

use crate::house::House;
use crate::library::Library;
use crate::program::{Program, run};
use crate::wait::until;

impl Library {
    /// The same in development, where letters are files.
    #[track_caller]
    pub(crate) fn develop(change: impl FnOnce(String) -> String) -> Self {
        let (house, upstream) = Self::closed(change);
        let mut server = Program::start(&mut house.command(&["dev", "--open"]));
        server.hears("no `[mail]`");
        server.hears("Watching ringwall.toml");
        Self { house, upstream, server }
    }
}

/// The links that were followed.
pub(crate) type Known = BTreeSet<String>;

impl House {
    /// The next link to this path that is not known yet; from then on it is.
    #[track_caller]
    pub(crate) fn letter(&self, path: &str, known: &mut Known) -> String {
        let start = format!("{}{path}?", self.origin());
        let fresh = || {
            let links = self.links().into_iter();
            links.filter(|link| link.starts_with(&start)).find(|link| !known.contains(link))
        };
        let link = until("a letter with a link", fresh);
        known.insert(link.clone());
        link
    }

    /// What links all letters have.
    pub(crate) fn links(&self) -> Vec<String> {
        let folder = self.state().join("outbox");
        let said = run(Command::new("python3").arg("-c").arg(READ).arg(folder), "").good().out;
        said.lines().filter(|line| line.starts_with("https://")).map(str::to_owned).collect()
    }
}

const READ: &str = "
import email, pathlib, sys
from email import policy
for path in sorted(pathlib.Path(sys.argv[1]).glob('*.eml')):
    with path.open('rb') as file:
        print(email.message_from_binary_file(file, policy=policy.default).get_content())
";
