// gRPC-Web by Connect (npm): node -e THIS ORIGIN HTTP-VERSION ROOT
let connect, node, protobuf;
try {
  connect = require("@connectrpc/connect");
  node = require("@connectrpc/connect-node");
  protobuf = require("@bufbuild/protobuf");
} catch {
  console.log("missing");
  process.exit(0);
}
const assert = require("node:assert");
const { readFileSync } = require("node:fs");
const [origin, httpVersion, root] = process.argv.slice(1);
const { StringValue, UInt32Value, MethodKind } = protobuf;

const method = (name, I, O, kind = MethodKind.Unary) => ({ name, I, O, kind });
const greeter = {
  typeName: "t.Greeter",
  methods: {
    shout: method("Shout", StringValue, StringValue),
    secret: method("Secret", StringValue, StringValue),
    count: method("Count", UInt32Value, UInt32Value, MethodKind.ServerStreaming),
  },
};
// `*.localhost` is loopback, which not every C library knows.
const lookup = (host, options, done) =>
  options.all ? done(null, [{ address: "127.0.0.1", family: 4 }]) : done(null, "127.0.0.1", 4);
const nodeOptions = { ca: readFileSync(root), lookup };
const transport = node.createGrpcWebTransport({ baseUrl: origin, httpVersion, nodeOptions });
const client = connect.createPromiseClient(greeter, transport);

(async () => {
  let trailer;
  const onTrailer = (fields) => (trailer = fields);
  const long = "tides ".repeat(5000);
  assert.strictEqual((await client.shout({ value: long }, { onTrailer })).value, long.toUpperCase());
  assert.strictEqual(trailer.get("seen"), String(long.length));
  const counted = [];
  for await (const number of client.count({ value: 100 })) counted.push(number.value);
  assert.deepStrictEqual(counted, [...Array(100).keys()]);
  const refused = async (call, code) => {
    const error = await call.then(() => assert.fail("it was answered"), (error) => error);
    assert.strictEqual(error.code, code, String(error));
    return error;
  };
  const failed = await refused(client.shout({ value: "fail" }), connect.Code.FailedPrecondition);
  assert.strictEqual(failed.rawMessage, "not like this");
  assert.strictEqual(failed.metadata.get("why"), "because");
  await refused(client.secret({ value: "?" }), connect.Code.PermissionDenied);
  console.log("done");
  process.exit(0);
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
