//! Every bound of this package, by name.

/// Findings of one request: the first ones are enough to understand it, and a log line is finite.
pub(crate) const FINDINGS_MAX: usize = 20;
/// Characters of a name that a finding repeats.
pub(crate) const SHOWN_CHARS_MAX: usize = 64;

/// Parts of a multipart body.
pub(crate) const PARTS_MAX: usize = 1_000;
/// Bytes of one part's head.
pub(crate) const PART_HEAD_BYTES_MAX: usize = 8 * 1024;
/// Parameters of one field: clients send three.
pub(crate) const PARAMETERS_MAX: usize = 16;
/// Bytes of a file's name: what Linux and Windows keep.
pub(crate) const NAME_BYTES_MAX: usize = 255;

/// Archives inside archives: a document in a document in an archive is three.
pub(crate) const ARCHIVE_DEPTH_MAX: usize = 3;
/// Entries of all archives of a request.
pub(crate) const ENTRIES_MAX: usize = 100_000;
/// Bytes that all archives of a request unpack to where its line says nothing else, however large the
/// request is: a core unpacks so much in about 100 ms, and the thread that does it serves nobody else
/// meanwhile. What is stored and not packed does not count.
pub(crate) const UNPACKED_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// How much larger an entry may become: text becomes ten times, a log file fifty.
pub(crate) const RATIO_MAX: u64 = 100;
/// Smaller entries pass whatever their ratio is: a table of zeros becomes 500 times. Their sum is
/// held to what all archives unpack to.
pub(crate) const RATIO_FREE_BYTES: u64 = 8 * 1024 * 1024;
/// An archive inside an archive is unpacked as a whole to be looked at.
pub(crate) const NESTED_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// The same, for each byte that it is packed in.
pub(crate) const NESTED_RATIO: u64 = 2;
/// Fields that a ZIP archive keeps beside an entry's name: writers have five.
pub(crate) const ZIP_FIELDS_MAX: usize = 64;
/// Members of one gzip file, each of which costs as much to begin as 40 KiB: those that can be read at
/// any place have one for every 64 KiB.
pub(crate) const GZIP_MEMBERS_MAX: usize = 10_000;
/// Extended heads of a tar archive, which hold long names and the attributes of files.
pub(crate) const TAR_NAME_BYTES_MAX: u64 = 1024 * 1024;

/// Where a PDF's head is looked for, as readers do.
pub(crate) const PDF_HEAD_BYTES: usize = 1024;
/// Bytes of one stream of objects in a PDF: writers put two hundred objects into one.
pub(crate) const PDF_OBJECTS_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Such streams of all PDF documents of a request, each of which costs as much to begin as 40 KiB:
/// writers fill one with two hundred objects, so that this is a document of two million.
pub(crate) const PDF_STREAMS_MAX: usize = 10_000;
/// Bytes at the beginning that say whether something is text, and which.
pub(crate) const SNIFF_BYTES: usize = 4 * 1024;

/// Levels of a JSON text: a reader that calls itself stops at a thousand in Python.
pub(crate) const JSON_DEPTH_MAX: usize = 256;
/// Values of a JSON text: each takes up to eighty times its bytes.
pub(crate) const JSON_VALUES_MAX: u32 = 100_000;

/// Bytes of a request's body: a document and its variables. Files go another way.
pub(crate) const GRAPHQL_BODY_BYTES_MAX: usize = 1024 * 1024;
/// Values that are looked at to say how much one operation would cost.
pub(crate) const GRAPHQL_STEPS_MAX: u32 = 1_000_000;
/// Bytes of one GraphQL document: what clients send has a few thousand.
pub(crate) const GRAPHQL_BYTES_MAX: usize = 128 * 1024;
/// Words of one GraphQL document. Servers take quadratic time to compare fields.
pub(crate) const GRAPHQL_TOKENS_MAX: u32 = 10_000;
/// Stored documents of one service.
pub(crate) const GRAPHQL_DOCUMENTS_MAX: usize = 10_000;
/// Levels of fields, values and types in a GraphQL document.
pub(crate) const GRAPHQL_NESTING_MAX: u32 = 128;
/// The same through fragments.
pub(crate) const GRAPHQL_RECURSION_MAX: u32 = 256;
