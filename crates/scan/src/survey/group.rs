//! Which files belong to which app.

use std::collections::BTreeMap;

use super::is_below;
use crate::python::Facts;

/// The files of one app.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Root {
    /// Folder, or the file itself when its folder holds another app; `.` for the whole tree.
    pub(super) path: String,
    /// The file that creates the app.
    pub(super) file: String,
}

impl Root {
    pub(super) fn holds(&self, file: &str) -> bool {
        self.path == "." || self.path == file || is_below(file, &self.path)
    }
}

/// One root for each file that creates an app: the highest folder that holds no other app.
pub(super) fn roots(read: &BTreeMap<String, Facts>) -> Vec<Root> {
    let makers: Vec<&String> =
        read.iter().filter(|(_, facts)| !facts.apps.is_empty()).map(|(file, _)| file).collect();
    makers.iter().map(|file| Root { path: root_of(file, &makers), file: (*file).clone() }).collect()
}

fn root_of(file: &str, makers: &[&String]) -> String {
    let is_alone =
        |folder: &str| makers.iter().filter(|maker| is_below(maker, folder)).count() == 1;
    let mut best = None;
    let mut folder = file;
    while let Some((parent, _)) = folder.rsplit_once('/') {
        if !is_alone(parent) {
            break;
        }
        best = Some(parent);
        folder = parent;
    }
    match best {
        Some(folder) => folder.to_owned(),
        None if is_alone("") => ".".to_owned(),
        None => file.to_owned(),
    }
}
