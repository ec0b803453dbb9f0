//! The fuzzer's way in: any bytes at once, and the same bytes in pieces.

use std::sync::{Arc, LazyLock};

use crate::{Detector, Detectors, Finding, Scanner, Stream};

/// Reads hostile bytes. The contract: no panic, an end, bounded findings that lie in the text, and the
/// same ones however the bytes are cut into pieces.
pub fn fuzz(data: &[u8]) {
    let Some(scanner) = SCANNER.as_ref() else { return };
    let all: Detectors = Detector::ALL.into_iter().collect();
    let found = scanner.scan(data, all, MOST);
    debug_assert!(found.findings.len() <= MOST, "findings are bounded");
    for one in &found.findings {
        debug_assert!(!data.get(one.range.clone()).unwrap_or_default().is_empty(), "it is there");
    }
    let size = data.first().map_or(1, |byte| usize::from(*byte) + 1);
    let mut stream = Stream::new(Arc::clone(scanner), all, MOST);
    let mut pieces: Vec<Finding> = Vec::new();
    for piece in data.chunks(size) {
        pieces.extend(stream.push(piece).findings);
    }
    pieces.extend(stream.finish().findings);
    pieces.sort_by_key(|one| (one.range.start, one.detector));
    let mut whole = found.findings;
    whole.sort_by_key(|one| (one.range.start, one.detector));
    // Which ones are left out when there are too many is not promised.
    debug_assert!(found.has_more || pieces == whole, "pieces {pieces:?}, whole {whole:?}");
}

static SCANNER: LazyLock<Option<Arc<Scanner>>> =
    LazyLock::new(|| Scanner::new().ok().map(Arc::new));

const MOST: usize = 64;
