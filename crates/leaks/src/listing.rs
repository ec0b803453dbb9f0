//! Listings of folders that web servers make.

use crate::look::Look;

/// Behind `<title>Index of /`, of Apache, nginx and lighttpd: the same as a heading.
pub(crate) fn index(look: &mut Look<'_>) -> bool {
    look.finds(b">Index of /", 2 * 1024)
}

/// Behind `class="meta-item"`, of Caddy: how many folders there are.
pub(crate) fn caddy(look: &mut Look<'_>) -> bool {
    look.finds(b"</b> director", 160)
}
