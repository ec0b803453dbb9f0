//! What administrators may do from outside: nothing, until the manifest opens a door.

use std::collections::{BTreeMap, BTreeSet};

use crate::admin;
use crate::answer::REGISTER;
use crate::identity::Identity;

/// What the manifest opens.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Powers {
    /// Whether there is an admin API.
    pub has_admin_api: bool,
    /// Whether clients may register themselves.
    pub has_registration: bool,
    /// All roles of people, and what each may do by the admin API: `users.read` …
    pub roles: BTreeMap<String, BTreeSet<String>>,
    /// Those that an administrator of one organisation may give its people.
    pub roles_of_organisations: BTreeSet<String>,
}

impl Powers {
    /// What people with these roles may do.
    pub(crate) fn of(&self, roles: &[String]) -> BTreeSet<String> {
        roles.iter().filter_map(|role| self.roles.get(role)).flatten().cloned().collect()
    }

    /// Whether a path is behind one of the doors.
    pub(crate) fn claim(&self, path: &str) -> bool {
        let is_below = |root: &str| {
            path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        (self.has_admin_api && is_below(admin::ROOT))
            || (self.has_registration && is_below(REGISTER))
    }
}

impl Identity {
    /// Opens and closes the doors of the manifest in force.
    pub fn empower(&self, powers: Powers) {
        self.house().powers.store(powers.into());
    }

    /// Whether a path that is not among [`Identity::paths`] is ours now.
    pub fn claims(&self, path: &str) -> bool {
        self.house().powers.load().claim(path)
    }
}
