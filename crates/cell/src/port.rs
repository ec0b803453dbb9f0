//! Finds out who listens on a port, so that "address in use" names the process.

use std::fmt;
use std::fs;
use std::path::Path;

/// The process that listens on a port.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PortHolder {
    /// Its process id; absent when it belongs to another user.
    pub pid: Option<u32>,
    /// Its command line, or what is known of it.
    pub command: String,
}

impl fmt::Display for PortHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pid {
            Some(pid) => write!(f, "`{}` (pid {pid})", self.command),
            None => f.write_str(&self.command),
        }
    }
}

/// The process of this machine that listens on TCP `port`, on any address.
pub fn who_listens(port: u16) -> Option<PortHolder> {
    let inode = ["/proc/net/tcp", "/proc/net/tcp6"].iter().find_map(|table| {
        let text = fs::read_to_string(table).ok()?;
        text.lines().skip(1).find_map(|line| listening_inode(line, port))
    })?;
    let target = format!("socket:[{inode}]");
    let holder = fs::read_dir("/proc").ok()?.flatten().find_map(|process| {
        let pid: u32 = process.file_name().to_str()?.parse().ok()?;
        holds(&process.path().join("fd"), &target)
            .then(|| PortHolder { pid: Some(pid), command: command_line(&process.path()) })
    });
    let foreign = || PortHolder { pid: None, command: "a process of another user".to_owned() };
    Some(holder.unwrap_or_else(foreign))
}

/// proc(5): the second field is the local address, the fourth the state (0A = listening), the
/// tenth the inode.
fn listening_inode(line: &str, port: u16) -> Option<String> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (_, local_port) = fields.get(1)?.rsplit_once(':')?;
    let is_listening = *fields.get(3)? == "0A";
    let is_port = u16::from_str_radix(local_port, 16).ok()? == port;
    (is_listening && is_port).then(|| fields.get(9).map(|inode| (*inode).to_owned()))?
}

fn holds(descriptors: &Path, target: &str) -> bool {
    let Ok(entries) = fs::read_dir(descriptors) else { return false };
    entries
        .flatten()
        .any(|entry| fs::read_link(entry.path()).is_ok_and(|link| link == Path::new(target)))
}

/// Capped, because command lines can be megabytes.
fn command_line(process: &Path) -> String {
    let bytes = fs::read(process.join("cmdline")).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes).replace('\0', " ");
    text.trim().chars().filter(|c| !c.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_names_this_process() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let holder = who_listens(listener.local_addr().unwrap().port()).unwrap();
        assert_eq!(holder.pid, Some(std::process::id()));
        assert!(!holder.command.is_empty());
    }

    #[test]
    fn only_listening_sockets_count() {
        let listening = "0: 0100007F:1389 00000000:0000 0A 0:0 0:0 0 0 0 4711 1 0 100 0";
        assert_eq!(listening_inode(listening, 5001).as_deref(), Some("4711"));
        assert_eq!(listening_inode(&listening.replace(" 0A ", " 01 "), 5001), None);
        assert_eq!(listening_inode(listening, 5002), None);
    }
}
