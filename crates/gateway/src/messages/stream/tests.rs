use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};

use flate2::Compression;
use flate2::write::GzEncoder;
use http_body::Body as _;
use ringwall_protobuf::{Rules, Schema, SchemaLimits};

use super::*;

const SHAPES: &[u8] = include_bytes!("../../../../protobuf/tests/data/shapes.binpb");

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A message of packed numbers, all zero.
fn zeros(count: usize, is_packed: bool) -> Vec<u8> {
    let mut message = vec![0xb2, 0x01];
    let mut length = count;
    while length > 0x7f {
        message.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
        length >>= 7;
    }
    message.push(u8::try_from(length).unwrap());
    message.extend(vec![0; count]);
    if is_packed {
        let mut packer = GzEncoder::new(Vec::new(), Compression::best());
        packer.write_all(&message).unwrap();
        message = packer.finish().unwrap();
    }
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[u8::from(is_packed)][..], &length, &message].concat()
}

/// What one poll after another gives, and how often it gives way to others.
struct Run {
    /// Bytes that went on, by poll.
    passed: Vec<usize>,
    turns: usize,
    is_refused: bool,
    spent: Spent,
}

fn run(bytes: Vec<u8>) -> Run {
    let schema = Arc::new(Schema::read(SHAPES, &SchemaLimits::default()).unwrap());
    let method = schema.method("/shapes.Shapes/Send").unwrap().clone();
    let (rules, bytes_max) = (Rules::default(), 1 << 20);
    let messages = Arc::new(Messages { schema, method, rules, bytes_max, count_max: None });
    let told = (Late::default(), true);
    let mut checked = Checked::new(Body::from(Bytes::from(bytes)), &messages, Coding::Gzip, told);
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    let mut run = Run { passed: Vec::new(), turns: 0, is_refused: false, spent: Spent::default() };
    loop {
        match Pin::new(&mut checked).poll_frame(&mut Context::from_waker(&waker)) {
            Poll::Pending => {
                run.turns = run.turns.saturating_add(1);
                assert_eq!(woken.0.load(Ordering::Relaxed), run.turns, "it wakes itself");
            }
            Poll::Ready(Some(Ok(frame))) => {
                run.passed.push(frame.into_data().map_or(0, |data| data.len()));
            }
            Poll::Ready(end) => {
                run.is_refused = end.is_some();
                run.spent = checked.spent;
                return run;
            }
        }
    }
}

#[test]
fn a_stream_of_messages_that_unpack_far_is_ended() {
    let bomb = zeros(60_000, true);
    let bomb_bytes = bomb.len();
    assert!(bomb_bytes < 150, "{bomb_bytes}");
    let run = run(bomb.repeat(2000));
    assert!(run.is_refused);
    assert!(run.spent.unpacked < 500_000, "{:?}", run.spent);
    assert!(run.spent.weight < 1_000_000, "{:?}", run.spent);
    // The first is within what is free.
    assert_eq!(run.passed.first(), Some(&bomb_bytes));
}

#[test]
fn numbers_are_counted_over_the_whole_stream() {
    // Eighty numbers for each byte: within the ratio of bytes, not within that of numbers.
    let zeros = |count| {
        let mut message = zeros(count, true);
        // Comments of gzip are read by nobody: a byte less dense.
        let padding = vec![b'x'; (count / 80).saturating_sub(message.len())];
        message[8] |= 0x10;
        message.splice(15..15, padding.into_iter().chain([0]));
        let length = u32::try_from(message.len() - 5).unwrap().to_be_bytes();
        message[1..5].copy_from_slice(&length);
        message
    };
    let one = zeros(50_000);
    let all = one.repeat(100);
    let most = 1_000_000 + 10 * all.len();
    let run = run(all);
    assert!(run.is_refused && run.spent.weight <= most, "{:?}", run.spent);
    assert!(run.spent.weight > 500_000, "{:?}", run.spent);
}

#[test]
fn others_have_their_turn_after_64_kib() {
    let one = zeros(40_000, false);
    let whole = run(one.repeat(20));
    assert!(!whole.is_refused);
    assert_eq!((whole.passed.len(), whole.turns), (10, 10), "two messages, then others");
    assert_eq!(whole.passed.iter().sum::<usize>(), one.len() * 20, "all of it goes on");
    // Empty ones cost, too.
    let empty = run([0; 5].repeat(10_240));
    assert_eq!((empty.passed.len(), empty.turns, empty.is_refused), (10, 10, false));
}
