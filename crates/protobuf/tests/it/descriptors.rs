//! Descriptor sets: as `protoc` writes them, and broken ones.

use std::io::Write;
use std::process::Command;

use ringwall_protobuf::{ReadError, Schema, SchemaLimits};

use crate::{SHAPES, shapes};

#[test]
fn methods_are_as_the_file_declares_them() {
    let schema = shapes();
    let said = schema.methods().iter().map(|method| {
        let streams = (method.client_streams, method.server_streams);
        (method.path(), method.input.as_str(), streams)
    });
    let all = "shapes.All";
    let want = [
        ("One", all, (false, false)),
        ("Send", all, (true, false)),
        ("Watch", all, (false, true)),
        ("Talk", all, (true, true)),
        ("Old", "closed.Old", (false, false)),
        ("New", "delimited.New", (false, false)),
    ];
    let want =
        want.map(|(name, input, streams)| (format!("/shapes.Shapes/{name}"), input, streams));
    assert_eq!(said.collect::<Vec<_>>(), want);
    assert!(schema.methods().iter().all(|method| method.output == "shapes.Nothing"));
    assert!(schema.method("/shapes.Shapes/one").is_none() && schema.method("").is_none());
}

#[test]
fn methods_are_operations_under_their_names() {
    let contract = shapes().contract("shapes.binpb");
    let said =
        contract.operations.iter().map(|one| format!("{} {} {}", one.name, one.method, one.path));
    assert_eq!(
        said.collect::<Vec<_>>()[..2],
        ["One POST /shapes.Shapes/One", "Send POST /shapes.Shapes/Send"]
    );
    let again = |name: &[u8]| {
        let method = [field(1, b"Do"), field(2, b".M"), field(3, b".M")].concat();
        field(6, &[field(1, name), field(2, &method)].concat())
    };
    let message = field(4, &field(1, b"M"));
    let file =
        [field(1, b"a.proto"), message, again(b"S"), again(b"T"), field(12, b"proto3")].concat();
    let contract = Schema::read(&field(1, &file), &SchemaLimits::default()).unwrap().contract("");
    let names: Vec<_> = contract.operations.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["S.Do", "T.Do"]);
}

/// The file beside the tests is what `protoc` makes of the sources beside it.
#[test]
fn the_set_of_the_tests_is_what_protoc_writes() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");
    let script = "import sys, os, grpc_tools; from grpc_tools import protoc
sys.exit(protoc.main(['', '-I' + sys.argv[1], '-I' + os.path.join(os.path.dirname(grpc_tools.__file__), '_proto'), '--include_imports', '--descriptor_set_out=/dev/stdout', 'shapes.proto']))";
    let mut python = Command::new("python3");
    let output = python.args(["-c", script, folder]).output().unwrap();
    if String::from_utf8_lossy(&output.stderr).contains("No module named 'grpc_tools'") {
        return writeln!(std::io::stderr(), "NOT RUN: Python's `grpcio-tools` is not installed")
            .unwrap();
    }
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = Schema::read(&output.stdout, &SchemaLimits::default()).unwrap();
    assert_eq!(format!("{:?}", said.methods()), format!("{:?}", shapes().methods()));
}

#[track_caller]
fn refused(bytes: &[u8], want: &str) {
    let error = Schema::read(bytes, &SchemaLimits::default()).unwrap_err();
    assert_eq!(error.to_string(), want);
}

/// A field with a length.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2, u8::try_from(bytes.len()).unwrap()], bytes].concat()
}

/// A set of one file with one message `M`, one service `S` and what is added.
fn set(syntax: &str, message: &[u8], method: &[u8]) -> Vec<u8> {
    let message = [field(1, b"M"), message.to_vec()].concat();
    let method = [field(1, b"Do"), method.to_vec()].concat();
    let service = [field(1, b"S"), field(2, &method)].concat();
    let file = [
        field(1, b"a.proto"),
        field(4, &message),
        field(6, &service),
        field(12, syntax.as_bytes()),
    ];
    field(1, &file.concat())
}

#[test]
fn a_broken_set_is_an_error_that_says_what() {
    let method = [field(2, b".M"), field(3, b".M")].concat();
    assert!(Schema::read(&set("proto3", &[], &method), &SchemaLimits::default()).is_ok());
    refused(b"", "the descriptor set has no service");
    refused(b"{\"file\": []}", "not a descriptor set: a length beyond the end");
    refused(b"\x0e", "not a descriptor set: a wire type that does not exist");
    refused(&SHAPES[..1000], "not a descriptor set: a length beyond the end");
    let alone = [field(2, b".other.N"), field(3, b".M")].concat();
    let hint = "which is not in the set: write it with all imports (protoc --include_imports)";
    refused(&set("proto3", &[], &alone), &format!("`S.Do` names `other.N`, {hint}"));
    refused(&set("proto9", &[], &method), "`a.proto`: an edition that is not known");
    let numbered = |number: u8| {
        let one = [field(1, b"f"), vec![0x18, number, 0x20, 1, 0x28, 5]].concat();
        field(2, &one)
    };
    refused(&set("proto3", &numbered(0), &method), "`M.f`: a field number out of range");
    let twice = [numbered(1), numbered(1)].concat();
    refused(&set("proto3", &twice, &method), "`M.1` is declared twice");
    let kind = [field(1, b"f"), vec![0x18, 1, 0x20, 1, 0x28, 19]].concat();
    refused(&set("proto3", &field(2, &kind), &method), "`M.f`: a type that does not exist");
    let again = set("proto3", &[], &method).repeat(2);
    refused(&again, "`M` is declared twice");
}

#[test]
fn a_set_is_read_up_to_its_limits() {
    let check = |limits: SchemaLimits| Schema::read(SHAPES, &limits).err();
    let limits = SchemaLimits { bytes_max: SHAPES.len(), ..SchemaLimits::default() };
    assert_eq!(check(limits), None);
    let limits = SchemaLimits { bytes_max: SHAPES.len() - 1, ..limits };
    let too_large = |what, limit| Some(ReadError::TooLarge { what, limit });
    assert_eq!(check(limits), too_large("bytes", SHAPES.len() - 1));
    let limits = SchemaLimits { types_max: 10, ..SchemaLimits::default() };
    assert_eq!(check(limits), too_large("messages and enums", 10));
    let limits = SchemaLimits { members_max: 50, ..SchemaLimits::default() };
    assert_eq!(check(limits), too_large("members", 50));
    let limits = SchemaLimits { depth_max: 1, ..SchemaLimits::default() };
    assert_eq!(check(limits), too_large("messages inside one another", 1));
}
