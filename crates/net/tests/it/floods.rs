//! Frames that ask for work and bring none: each kind has a limit, ends with a GOAWAY that arrives,
//! and is counted. The next client is served.

use std::time::Duration;

use ringwall_net::{Curb, Flood, FrameLimits, Settings, Violation};

use crate::frames::{
    CANCEL, CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, Front, GOAWAY, HEADERS,
    PING, PRIORITY, RST_STREAM, SETTINGS, WINDOW_UPDATE, block, curbed, eventually, frame, get,
    request,
};

fn strict() -> Settings {
    let frames = FrameLimits {
        window: Duration::from_mins(1),
        continuations_max: 20,
        empties_max: 20,
        pings_max: 20,
        priorities_max: 20,
        resets_max: 20,
        settings_max: 20,
        windows_max: 20,
    };
    // What the library counts itself must not come first.
    Settings { frames, pending_resets_max: 1_000, local_resets_max: 1_000, ..Settings::default() }
}

/// Sends `bytes` of frame after frame, and expects the end of the connection by then.
fn assert_flood(flood: Flood, bytes: impl IntoIterator<Item = Vec<u8>>) {
    let front = Front::open(&strict());
    let mut hand = front.hand();
    // At once: who writes for longer than the server reads on may lose what it said.
    hand.write(&bytes.into_iter().flatten().collect::<Vec<u8>>());
    assert_eq!(hand.goaway(), Some(ENHANCE_YOUR_CALM), "{flood:?}");
    assert!(front.has_refused(Violation::Flood(flood)), "{:?}", front.refused());
    let curb = match flood {
        Flood::Continuations => Curb::Continuations,
        Flood::Empties => Curb::Empties,
        Flood::Pings => Curb::Pings,
        Flood::Priorities => Curb::Priorities,
        Flood::Resets => Curb::Resets,
        Flood::Settings => Curb::Settings,
        Flood::Windows => Curb::Windows,
    };
    assert!(front.has_curbed(curb, 1), "{curb:?}");
    let mut next = front.hand();
    next.write(&get(1, "/"));
    assert!(next.until(|frame| frame.kind == HEADERS).is_some(), "the next one is served");
}

fn streams(count: u32) -> impl Iterator<Item = u32> {
    (0..count).map(|index| 1 + 2 * index)
}

#[test]
fn streams_that_are_opened_and_reset_are_counted_also_when_their_work_has_begun() {
    // CVE-2023-44487, in time for each request to reach its answer.
    assert_flood(
        Flood::Resets,
        streams(2_000).map(|stream| {
            [get(stream, "/never"), frame(RST_STREAM, 0, stream, &CANCEL.to_be_bytes())].concat()
        }),
    );
}

#[test]
fn work_that_was_begun_ends_with_its_stream() {
    let front = Front::open(&strict());
    let mut hand = front.hand();
    for stream in streams(10) {
        hand.write(&get(stream, "/never"));
        assert!(hand.is_alive());
        hand.write(&frame(RST_STREAM, 0, stream, &CANCEL.to_be_bytes()));
    }
    assert!(hand.is_alive());
    assert!(eventually(|| *front.desk.dropped.lock().unwrap() == 10));
}

#[test]
fn pings_settings_and_priorities_are_not_answered_for_ever() {
    assert_flood(Flood::Pings, (0..5_000).map(|_| frame(PING, 0, 0, b"12345678")));
    assert_flood(Flood::Settings, (0..5_000).map(|_| frame(SETTINGS, 0, 0, &[])));
    let priority = |_| frame(PRIORITY, 0, 9, &[0, 0, 0, 0, 1]);
    assert_flood(Flood::Priorities, (0..5_000).map(priority));
    assert_flood(Flood::Priorities, (0..5_000).map(|_| frame(0xfa, 0, 0, b"grease")));
    assert_flood(Flood::Windows, (0..5_000).map(|_| frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1])));
}

#[test]
fn empty_frames_are_not_read_for_ever() {
    let open = frame(HEADERS, END_HEADERS, 1, &request("/", &[]));
    let empties = (0..5_000).map(|_| frame(DATA, 0, 1, &[]));
    assert_flood(Flood::Empties, std::iter::once(open).chain(empties));
}

#[test]
fn a_header_section_ends() {
    // CVE-2024-27316: the library ends it by what the section may be as a whole.
    let front = Front::open(&Settings::default());
    let mut hand = front.hand();
    hand.write(&frame(HEADERS, END_STREAM, 1, &request("/", &[])));
    let more = frame(CONTINUATION, 0, 1, &block(&[("x", "y")]));
    hand.write(&more.repeat(20_000));
    assert!(hand.goaway().is_some());
    let is_counted =
        || curbed(&front.server, Curb::Continuations) + curbed(&front.server, Curb::LargeHead) == 1;
    assert!(eventually(is_counted), "{:?}", front.refused());
    assert!(front.desk.seen.lock().unwrap().is_empty());
    // And by their number, over many sections.
    assert_flood(
        Flood::Continuations,
        streams(1_000).map(|stream| {
            let head = frame(HEADERS, END_STREAM, stream, &request("/", &[]));
            [head, frame(CONTINUATION, END_HEADERS, stream, &[])].concat()
        }),
    );
}

#[test]
fn a_small_block_that_decodes_to_much_is_refused() {
    // HPACK bomb: 4 KiB go into the table once, and one byte names them again.
    let front = Front::open(&Settings::default());
    let mut hand = front.hand();
    let mut block = request("/", &[]);
    block.extend([0x40, 1, b'a', 0x7f, 0x81, 0x1e]);
    block.extend(vec![b'b'; 4_000]);
    block.extend(vec![0xbe; 12_000]);
    hand.write(&frame(HEADERS, END_STREAM | END_HEADERS, 1, &block));
    let first = hand.until(|frame| matches!(frame.kind, HEADERS | RST_STREAM | GOAWAY)).unwrap();
    assert!(first.kind != HEADERS || first.payload.first() != Some(&0x88), "{first:?}");
    assert!(front.has_curbed(Curb::LargeHead, 1), "{:?}", front.refused());
    assert!(front.desk.seen.lock().unwrap().is_empty());
}

#[test]
fn a_header_list_over_its_limit_is_answered_431() {
    let front = Front::open(&Settings { header_list_bytes_max: 1_000, ..Settings::default() });
    let mut hand = front.hand();
    let value = "b".repeat(100);
    let block = request("/", &[("x-long", value.as_str()); 10]);
    hand.write(&frame(HEADERS, END_STREAM | END_HEADERS, 1, &block));
    assert!(hand.until(|frame| frame.kind == HEADERS).is_some());
    assert!(front.has_curbed(Curb::LargeHead, 1), "{:?}", front.refused());
    hand.write(&get(3, "/"));
    assert!(hand.until(|frame| frame.kind == DATA).is_some());
    assert!(front.has_curbed(Curb::LargeHead, 1), "an answer of ours is none");
}

#[test]
fn a_server_is_not_made_to_reset_for_ever() {
    // CVE-2025-8671: a window that overflows makes the server reset the stream.
    let front = Front::open(&Settings { local_resets_max: 20, ..Settings::default() });
    let mut hand = front.hand();
    let made = |stream| {
        let open = get(stream, "/never");
        [open, frame(WINDOW_UPDATE, 0, stream, &[0x7f, 0xff, 0xff, 0xff])].concat()
    };
    hand.write(&streams(200).flat_map(made).collect::<Vec<u8>>());
    assert_eq!(hand.goaway(), Some(ENHANCE_YOUR_CALM));
    assert!(front.has_refused(Violation::Stream), "{:?}", front.refused());
    assert!(eventually(|| curbed(&front.server, Curb::StreamErrors) > 0));
}

#[test]
fn streams_over_the_limit_are_refused_and_the_others_go_on() {
    let front = Front::open(&Settings { streams_max: 2, ..Settings::default() });
    let mut hand = front.hand();
    for stream in [1, 3, 5] {
        hand.write(&get(stream, "/never"));
    }
    let refused = hand.until(|frame| frame.kind == RST_STREAM).unwrap();
    assert_eq!((refused.stream, refused.code()), (5, 7));
    assert!(hand.is_alive());
    assert_eq!(front.desk.seen.lock().unwrap().len(), 2);
}
