//! What is and is not there inside a cell.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::thread;

use ringwall_cell::{Cell, Exit, Spec, door_address};

use crate::house::{dial, get, is_possible, output, spec};

fn python(code: &str) -> String {
    format!("exec python3 -c '{code}'")
}

/// Prints the errno, or 0, of one connection.
fn connects(family: &str, address: &str) -> String {
    python(&format!(
        "import socket; s=socket.socket(socket.{family}); s.settimeout(2); print(s.connect_ex({address}))"
    ))
}

#[test]
fn no_route_leads_out() {
    if !is_possible() {
        return;
    }
    for address in ["(\"1.1.1.1\",53)", "(\"10.0.0.1\",80)", "(\"169.254.169.254\",80)"] {
        let (exit, text) = output(spec(&connects("AF_INET", address)));
        // ENETUNREACH
        assert_eq!((exit, text.trim()), (Exit::Code(0), "101"), "{address}");
    }
    let with_door = Spec {
        listen: vec![SocketAddr::new(door_address(0).unwrap(), 80)],
        ..spec(&connects("AF_INET", "(\"1.1.1.1\",53)"))
    };
    assert_eq!(output(with_door).1.trim(), "101");
}

#[test]
fn the_ports_and_abstract_sockets_of_the_machine_are_not_there() {
    if !is_possible() {
        return;
    }
    let outside = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = outside.local_addr().unwrap().port();
    let (_, text) = output(spec(&connects("AF_INET", &format!("(\"127.0.0.1\",{port})"))));
    assert_eq!(text.trim(), "111");

    let name = format!("ringwall-test-{}", std::process::id());
    let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
    let _outside = UnixListener::bind_addr(&address).unwrap();
    let (_, text) = output(spec(&connects("AF_UNIX", &format!("b\"\\0{name}\""))));
    assert_eq!(text.trim(), "111");
}

#[test]
fn two_services_and_the_machine_use_one_port() {
    if !is_possible() {
        return;
    }
    let outside = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = outside.local_addr().unwrap().port();
    let start = |name: &str| {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("who"), name).unwrap();
        let command = format!("exec python3 -m http.server --bind 0.0.0.0 {port}");
        let spec = Spec { dir: folder.path().to_owned(), ..spec(&command) };
        (Cell::spawn(spec).unwrap(), folder)
    };
    let (users, _users_folder) = start("users");
    let (orders, _orders_folder) = start("orders");
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    assert!(get(dial(&users, address), "/who").ends_with("users"));
    assert!(get(dial(&orders, address), "/who").ends_with("orders"));
}

#[test]
fn a_hard_wired_name_leads_to_its_door_beside_the_own_port() {
    if !is_possible() {
        return;
    }
    let door = SocketAddr::new(door_address(1).unwrap(), 5001);
    let code = "import socket, urllib.request
own = socket.socket(); own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
own.bind((\"0.0.0.0\", 5001)); own.listen()
print(urllib.request.urlopen(\"http://user-service:5001/x\", timeout=5).read().decode())
print(socket.gethostbyname(\"localhost\"))";
    let mut cell = Cell::spawn(Spec {
        listen: vec![door],
        hosts: vec![("user-service".to_owned(), door.ip())],
        ..spec(&python(code))
    })
    .unwrap();
    let listener = cell.listeners().remove(0);
    listener.set_nonblocking(false).unwrap();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = [0; 512];
        let length = stream.read(&mut head).unwrap();
        stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nfrom the door").unwrap();
        String::from_utf8_lossy(&head[..length]).into_owned()
    });
    let text = crate::house::rest(&mut cell);
    assert_eq!(text, "from the door\n127.0.0.1\n");
    assert!(server.join().unwrap().contains("Host: user-service:5001"));
}

#[test]
fn a_name_that_is_not_declared_is_unknown_at_once() {
    if !is_possible() {
        return;
    }
    let (exit, text) = output(spec(&python(
        "import socket, time; t=time.time()
try: print(socket.getaddrinfo(\"example.org\", 80))
except socket.gaierror: print(\"unknown\", time.time()-t < 1)",
    )));
    assert_eq!((exit, text.trim()), (Exit::Code(0), "unknown True"));
}

#[test]
fn hidden_folders_are_empty_and_cannot_be_uncovered() {
    if !is_possible() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (state, keys) = (folder.path().join("state"), folder.path().join("state/keys"));
    fs::create_dir_all(&keys).unwrap();
    fs::write(state.join("root.key"), "secret").unwrap();
    fs::write(keys.join("public.json"), "{}").unwrap();
    let command =
        format!("cd {0}; umount {0} 2>&1 | head -c 0; ls -R .; cat keys/*", state.display());
    let (_, text) = output(Spec { hide: vec![state], show: vec![keys], ..spec(&command) });
    assert_eq!(text, ".:\nkeys\n\n./keys:\npublic.json\n{}\n");
}

#[test]
fn a_user_without_privileges_gets_the_same_cell() {
    if !is_possible() || !rustix::process::geteuid().is_root() {
        return;
    }
    // All tests again, by a user who may not read this folder.
    let folder = tempfile::tempdir().unwrap();
    let open = |path: &Path| fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    open(folder.path());
    for name in ["deps", "examples"] {
        fs::create_dir(folder.path().join(name)).unwrap();
        open(&folder.path().join(name));
    }
    let (tests, shim) = (folder.path().join("deps/it"), folder.path().join("examples/shim"));
    fs::copy(std::env::current_exe().unwrap(), &tests).unwrap();
    fs::copy(crate::house::shim().program, &shim).unwrap();
    let run = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(&tests)
        .args(["--skip", "root_in_a_cell"])
        .env("PATH", "/usr/bin:/bin")
        .current_dir("/")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{text}{}", String::from_utf8_lossy(&run.stderr));
    assert!(!text.contains("not tested"));
}

#[test]
fn root_in_a_cell_cannot_change_it() {
    if !is_possible() {
        return;
    }
    let command = "ip link set lo down 2>/dev/null || echo no network; umount /etc/hosts 2>/dev/null || echo no mounts";
    assert_eq!(output(spec(command)).1, "no network\nno mounts\n");
}
