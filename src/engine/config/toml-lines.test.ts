import assert from "node:assert/strict";
import { test } from "node:test";
import { keyLines } from "./toml-lines.ts";

test("keyLines() finds keys behind comments, strings and arrays of many lines", () => {
  const line = keyLines(`# first
debug = true # [not.a.table]

[grpc]
  address = [ # two of them
    "unix:///run/[a].sock", # here
    'tcp://0.0.0.0:1234',
  ]
  gid = 5
  text = """
[worker]
"""
  literal = '''
key = 1'''
[ worker . "oci" ]
  labels = { a = "1", b = ["]"] }
  max-parallelism = 4
  [worker.oci.deep]
  x = 1
[registry."docker.io"]
  mirrors = ["m"]
  [[registry."docker.io".keypair]]
    key = "a"
  [[registry."docker.io".keypair]]
    cert = "b"
    key = "c"
[registry.'\\x']
http = true
[registry."caf\\u00e9\\"]"]
insecure = true
`);
  const cases: [string[], number][] = [
    [["debug"], 2],
    [["grpc"], 4],
    [["grpc", "address"], 5],
    [["grpc", "gid"], 9],
    [["grpc", "text"], 10],
    [["grpc", "literal"], 13],
    [["worker", "oci"], 15],
    [["worker", "oci", "labels"], 16],
    [["worker", "oci", "labels", "b"], 16],
    [["worker", "oci", "max-parallelism"], 17],
    [["worker", "oci", "deep", "x"], 19],
    [["registry", "docker.io", "mirrors"], 21],
    [["registry", "docker.io", "keypair", "0", "key"], 23],
    [["registry", "docker.io", "keypair", "1"], 24],
    [["registry", "docker.io", "keypair", "1", "key"], 26],
    [["registry", "\\x", "http"], 28],
    [["registry", 'café"]', "insecure"], 30],
  ];
  for (const [path, want] of cases) assert.equal(line(path), want, path.join("."));
});

test("keyLines() knows dotted keys, and lines that end as on Windows", () => {
  const line = keyLines('log.level = "debug"\r\ngrpc.tls.cert = "a"\r\n[worker.oci]\r\nlabels."a.b" = "c"\r\n');
  assert.equal(line(["log", "level"]), 1);
  assert.equal(line(["grpc", "tls", "cert"]), 2);
  assert.equal(line(["worker", "oci", "labels", "a.b"]), 4);
});
