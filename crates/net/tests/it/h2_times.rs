//! HTTP/2 clients that are slow, idle, old or gone.

use std::time::Duration;

use ringwall_net::{Curb, Door, Settings, Violation};

use crate::frames::{
    DATA, END_HEADERS, Front, GOAWAY, HEADERS, PING, RST_STREAM, SETTINGS, WINDOW_UPDATE, curbed,
    eventually, frame, get, request,
};
use crate::house::pause;

const SHORT: Duration = Duration::from_millis(300);

#[test]
fn a_stream_that_takes_nothing_is_reset_and_the_connection_lives() {
    let front = Front::open(&Settings { write_idle_time: SHORT, ..Settings::default() });
    let mut hand = front.hand();
    // SETTINGS_INITIAL_WINDOW_SIZE is 0: the head of an answer may come, its body may not.
    hand.write(&frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]));
    hand.write(&get(1, "/big"));
    let reset = hand.until(|frame| frame.kind == RST_STREAM).unwrap();
    assert_eq!(reset.stream, 1);
    assert!(hand.is_alive());
    assert!(front.has_refused(Violation::Stalled));
    assert!(front.has_curbed(Curb::StalledStream, 1));
}

#[test]
fn a_stream_that_takes_little_by_little_is_served() {
    let front = Front::open(&Settings { write_idle_time: SHORT, ..Settings::default() });
    let mut hand = front.hand();
    hand.write(&frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]));
    hand.write(&get(1, "/"));
    for _ in 0..4 {
        pause(100);
        hand.write(&frame(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 1]));
    }
    let mut body = Vec::new();
    while body.len() < 4 {
        body.extend(hand.until(|frame| frame.kind == DATA).unwrap().payload);
    }
    assert_eq!(body, b"ok 0");
}

#[test]
fn a_connection_that_takes_nothing_is_closed() {
    let front = Front::open(&Settings { write_idle_time: SHORT, ..Settings::default() });
    let mut hand = front.hand();
    // All the window there can be, and nobody who reads: the sockets fill up.
    hand.write(&frame(SETTINGS, 0, 0, &[0, 4, 0x7f, 0xff, 0xff, 0xff]));
    hand.write(&frame(WINDOW_UPDATE, 0, 0, &[0x7f, 0xff, 0, 0]));
    for index in 0..60 {
        hand.write(&get(1 + 2 * index, "/big"));
    }
    assert!(front.has_refused(Violation::Stalled), "it is still open");
    assert!(eventually(|| curbed(&front.server, Curb::SlowReader) > 0));
}

#[test]
fn a_connection_without_a_preface_or_a_request_is_ended() {
    let settings = Settings { head_time: SHORT, idle_time: SHORT, ..Settings::default() };
    let front = Front::open(&settings);
    let mut silent = front.silent();
    silent.write(b"PRI * HTTP/2.0\r\n");
    assert!(silent.goaway().is_none());
    assert!(front.has_curbed(Curb::Silent, 1));
    // One that asks for nothing is told to go, and does.
    assert_eq!(front.hand().goaway(), Some(0));
    // One that is told and stays is closed.
    let mut stubborn = front.hand();
    assert_eq!(stubborn.goaway(), Some(0));
    assert!(stubborn.until(|_| false).is_none());
}

#[test]
fn a_connection_with_an_open_stream_is_not_idle() {
    let settings = Settings { idle_time: SHORT, ..Settings::default() };
    let front = Front::open(&settings);
    let mut hand = front.hand();
    hand.write(&get(1, "/never"));
    // It is asked for signs of life, and gives them.
    for _ in 0..3 {
        let ping = hand.until(|frame| matches!(frame.kind, PING | GOAWAY)).unwrap();
        assert_eq!(ping.kind, PING);
        hand.write(&frame(PING, 1, 0, &ping.payload));
    }
}

#[test]
fn a_client_that_gives_no_sign_of_life_is_closed() {
    let settings = Settings { idle_time: SHORT, head_time: SHORT, ..Settings::default() };
    let front = Front::open(&settings);
    let mut hand = front.hand();
    hand.write(&get(1, "/never"));
    assert!(hand.until(|frame| frame.kind == GOAWAY).is_none(), "closed without a word");
    assert!(eventually(|| *front.desk.dropped.lock().unwrap() == 1), "its work goes on");
}

#[test]
fn an_old_connection_and_one_with_many_requests_are_told_to_go() {
    let settings = Settings { requests_per_connection_max: 2, ..Settings::default() };
    let settings = Settings { connection_age: Duration::from_mins(1), ..settings };
    let settings = Settings { idle_time: Duration::from_secs(1), ..settings };
    let front = Front::open(&settings);
    let mut hand = front.hand();
    hand.write(&get(1, "/"));
    hand.write(&get(3, "/"));
    assert_eq!(hand.goaway(), Some(0));
    let front = Front::open(&Settings { connection_age: SHORT, ..Settings::default() });
    let mut hand = front.hand();
    hand.write(&get(1, "/never"));
    assert_eq!(hand.goaway(), Some(0));
    assert!(hand.is_alive(), "what was begun goes on");
}

#[test]
fn a_drain_says_goaway_twice_and_finishes_what_was_begun() {
    let front = Front::open(&Settings::default());
    let mut hand = front.hand();
    hand.write(&frame(HEADERS, END_HEADERS, 1, &request("/", &[])));
    assert!(hand.is_alive());
    front.server.close(&Door::Edge, Duration::from_secs(5));
    let first = hand.until(|frame| frame.kind == GOAWAY).unwrap();
    assert_eq!(first.payload[..4], (u32::MAX >> 1).to_be_bytes(), "all streams are welcome still");
    let ping = hand.until(|frame| frame.kind == PING).unwrap();
    // A request that was on its way.
    hand.write(&get(3, "/"));
    hand.write(&frame(PING, 1, 0, &ping.payload));
    let second = hand.until(|frame| frame.kind == GOAWAY).unwrap();
    assert_eq!(second.payload[..4], 3_u32.to_be_bytes());
    hand.write(&frame(DATA, 1, 1, b"abc"));
    let answer = hand.until(|frame| frame.kind == DATA && frame.stream == 1).unwrap();
    assert_eq!(answer.payload, b"ok 3");
    assert!(hand.until(|_| false).is_none(), "then it ends");
}
