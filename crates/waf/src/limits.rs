//! Every bound of this package, by name.

/// The bytes of all rule files and data files together.
pub(crate) const SOURCE_BYTES_MAX: usize = 64 << 20;
/// Files included in one load; the language demands at least 100.
pub(crate) const SOURCES_MAX: usize = 2_000;
/// Includes inside includes.
pub(crate) const INCLUDE_DEPTH_MAX: usize = 32;
/// One logical line after its continuations are joined.
pub(crate) const LINE_BYTES_MAX: usize = 1 << 20;
/// Rules with their chained members; CRS has about 800.
pub(crate) const RULES_MAX: usize = 100_000;
/// Members of one chain.
pub(crate) const CHAIN_MAX: usize = 64;
/// Variables in one rule's list, with those that exclusions added.
pub(crate) const TARGETS_MAX: usize = 4_096;
/// What one compiled regular expression may take; the largest of CRS takes well under 1 MiB.
pub(crate) const PATTERN_BYTES_MAX: usize = 10 << 20;
/// The text of one macro expansion.
pub(crate) const EXPANDED_BYTES_MAX: usize = 64 << 10;
/// Errors that one load reports; the rest follows from these, mostly.
pub(crate) const ERRORS_MAX: usize = 50;
/// Members that rules may create in `TX` or in a persistent collection of one transaction.
pub(crate) const DYNAMIC_MEMBERS_MAX: usize = 4_096;
/// Values that a caller may prove; there are at most 1,000 arguments.
pub(crate) const PROOFS_MAX: usize = 4_096;
/// Matches that one transaction records.
pub(crate) const MATCHES_MAX: usize = 2_000;
/// Levels of an XML document.
pub(crate) const XML_DEPTH_MAX: usize = 128;
/// Attributes of one XML element.
pub(crate) const XML_ATTRIBUTES_MAX: usize = 256;
/// Parts of one multipart body.
pub(crate) const PARTS_MAX: usize = 1_000;
/// One header line of a part, as in ModSecurity.
pub(crate) const PART_LINE_BYTES_MAX: usize = 4_096;
/// `t:` steps of one rule; CRS has at most ten.
pub(crate) const TRANSFORMATIONS_MAX: usize = 32;
/// The names of all leaves of a JSON body, or of all elements of an XML body that become arguments,
/// together: a long key stands in the name of each leaf under it, so that 100 KiB could become a
/// hundred times as much.
pub(crate) const NAME_BYTES_MAX: usize = 1 << 20;
/// Steps of one transaction; `docs/waf.md` has what the largest harmless requests take.
pub(crate) const WORK_STEPS_MAX: usize = 25_000_000;
/// Steps of phase 5 when the phases before have spent all: counters are still written.
pub(crate) const LOGGING_STEPS_MAX: usize = 4_000_000;
/// What one value costs a rule before its bytes are looked at.
pub(crate) const QUESTION_STEPS: usize = 16;
/// What a text costs that is looked at for the first time, beside its bytes.
pub(crate) const SCAN_STEPS: usize = 128;
/// What a byte costs the detectors of injections, which read a value several times.
pub(crate) const INJECTION_STEPS: usize = 8;
/// What a byte of a body costs its reader.
pub(crate) const READ_STEPS: usize = 2;
/// What a byte of a file may cost beside that: how large files may be is for the door to say, and
/// what rules do with one is in proportion to its size.
pub(crate) const FILE_STEPS: usize = 4;
/// What it costs to compile a pattern whose text a request has a part in.
pub(crate) const COMPILE_STEPS: usize = 10_000_000;
