//! Raw doors to databases.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use ringwall_net::{CarryError, CarrySettings, carry};

use crate::house::{connect, rest, until};

/// A door, and what it says of each connection. It ends with this value.
struct Carried {
    address: SocketAddr,
    said: Receiver<Result<(), CarryError>>,
    _runtime: tokio::runtime::Runtime,
}

impl Carried {
    fn to(target: &str, settings: CarrySettings, admits: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (say, said) = channel();
        let admit = move |result| say.send(result).is_ok() && admits;
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build().unwrap();
        runtime.spawn(carry(listener, target.to_owned(), settings, admit));
        Self { address, said, _runtime: runtime }
    }

    fn hears(&self) -> Result<(), CarryError> {
        self.said.recv_timeout(Duration::from_secs(10)).unwrap()
    }
}

/// Greets, then repeats all that it hears in capitals when the client has said all.
fn database() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                stream.write_all(b"hello ").unwrap();
                let mut text = String::new();
                stream.read_to_string(&mut text).ok();
                stream.write_all(text.to_uppercase().as_bytes()).ok();
            });
        }
    });
    address
}

#[test]
fn bytes_go_both_ways_and_a_half_that_is_closed_leaves_the_other_open() {
    let target = format!("localhost:{}", database().port());
    let carried = Carried::to(&target, CarrySettings::default(), true);
    for text in ["select 1".to_owned(), "x".repeat(300_000)] {
        let mut stream = connect(carried.address);
        assert_eq!(until(&mut stream, "hello "), "hello ");
        stream.write_all(text.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        assert_eq!(rest(&mut stream), text.to_uppercase());
        assert!(carried.hears().is_ok());
    }
}

#[test]
fn a_target_that_is_down_closes_the_connection_at_once() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let carried = Carried::to(&format!("127.0.0.1:{port}"), CarrySettings::default(), true);
    assert_eq!(rest(&mut connect(carried.address)), "");
    assert!(matches!(carried.hears(), Err(CarryError::Connect(_))));
}

#[test]
fn a_target_that_does_not_accept_in_time_is_given_up() {
    let settings = CarrySettings { connect_time: Duration::ZERO, ..CarrySettings::default() };
    // RFC 5737: nobody has this address.
    let carried = Carried::to("192.0.2.1:3306", settings, true);
    assert_eq!(rest(&mut connect(carried.address)), "");
    assert!(matches!(carried.hears(), Err(CarryError::Slow(_) | CarryError::Connect(_))));
}

#[test]
fn the_connection_after_the_last_is_closed_and_a_free_place_is_used_again() {
    let settings = CarrySettings { connections_max: 2, ..CarrySettings::default() };
    let carried = Carried::to(&database().to_string(), settings, true);
    let open = || {
        let mut stream = connect(carried.address);
        assert_eq!(until(&mut stream, "hello "), "hello ");
        assert!(carried.hears().is_ok());
        stream
    };
    let (first, _second) = (open(), open());
    assert_eq!(connect(carried.address).read(&mut [0; 9]).unwrap_or(0), 0);
    assert!(matches!(carried.hears(), Err(CarryError::Full(2))));
    drop(first);
    // The door learns of the end a moment later.
    let again = (0..100).any(|_| {
        crate::house::pause(20);
        let mut stream: TcpStream = connect(carried.address);
        stream.read(&mut [0; 9]).is_ok_and(|count| count > 0)
    });
    assert!(again);
}

#[test]
fn what_is_not_admitted_gets_no_byte_and_a_door_that_is_dropped_closes_all() {
    let carried = Carried::to(&database().to_string(), CarrySettings::default(), false);
    assert_eq!(connect(carried.address).read(&mut [0; 9]).unwrap_or(0), 0);

    let carried = Carried::to(&database().to_string(), CarrySettings::default(), true);
    let mut stream = connect(carried.address);
    assert_eq!(until(&mut stream, "hello "), "hello ");
    let address = carried.address;
    drop(carried);
    assert_eq!(stream.read(&mut [0; 9]).unwrap_or(0), 0);
    assert!(TcpStream::connect(address).is_err());
}
