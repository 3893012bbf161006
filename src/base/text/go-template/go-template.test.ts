import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { compileTemplate } from "./evaluate.ts";
import { goStruct } from "./format-value.ts";

const data = {
  name: "x:latest",
  manifest: { mediaType: "m", digest: "sha256:a", size: 3, annotations: { k: "v" } },
  image: { os: "linux", rootfs: { diff_ids: ["d1", "d2"] }, config: { Env: ["A=1", "B=2"], "os.version": "10" } },
  images: { "linux/amd64": { config: { Cmd: ["sh"] } } },
  pairs: [goStruct({ Name: "b", Value: "1" }), goStruct({ Name: "a", Value: "" })],
  empty: [],
};
const render = (source: string) => compileTemplate(source).render(data);

suite("compileTemplate()", () => {
  const cases: [string, string][] = [
    ["plain", "plain"],
    ["{{.Name}}", "x:latest"],
    ["{{.Manifest.Digest}} {{.Manifest.Size}}", "sha256:a 3"],
    ["{{json .Manifest}}", '{"mediaType":"m","digest":"sha256:a","size":3,"annotations":{"k":"v"}}'],
    ['{{.Manifest.Digest | printf "%s!"}}', "sha256:a!"],
    ["{{.Image.RootFS.DiffIDs}}", "[d1 d2]"],
    ["{{.Image.Config.OSVersion}}", "10"],
    ["{{index .Image.Config.Env 1}}", "B=2"],
    ['{{(index .Images "linux/amd64").Config.Cmd}}', "[sh]"],
    ['{{json (index .Images "linux/amd64").Config.Cmd}}', '["sh"]'],
    ["{{range .Image.Config.Env}}<{{.}}>{{end}}", "<A=1><B=2>"],
    ["{{range $i, $e := .Image.Config.Env}}{{$i}}={{$e}};{{end}}", "0=A=1;1=B=2;"],
    ["{{range .Empty}}x{{else}}none{{end}}", "none"],
    ['{{if .Empty}}a{{else if eq .Image.OS "linux"}}b{{else}}c{{end}}', "b"],
    ["{{with .Manifest}}{{.Digest}}{{$.Name}}{{end}}", "sha256:ax:latest"],
    ["a {{- /* gone */ -}} b", "ab"],
    ["a {{- .Name -}} b", "ax:latestb"],
    ["{{$x := .Name}}{{$x}}", "x:latest"],
    ["{{.Manifest.Annotations}}", "map[k:v]"],
    [
      "{{.Pairs}} {{(index .Pairs 0).Name}} {{json .Pairs}}",
      '[{b 1} {a }] b [{"Name":"b","Value":"1"},{"Name":"a","Value":""}]',
    ],
    ["{{.Manifest.Nothing}}", "<no value>"],
    ['{{len .Image.Config.Env}} {{join .Image.Config.Env ","}} {{upper .Name}}', "2 A=1,B=2 X:LATEST"],
    ['{{`raw`}} {{"q\\n"}}', "raw q\n"],
    ["{{if and .Name (not .Empty)}}yes{{end}}", "yes"],
  ];
  for (const [source, want] of cases) test(`renders ${source}`, () => assert.equal(render(source), want));

  const refused: [string, RegExp][] = [
    ["{{.Name", /unclosed action/],
    ["{{if .Name}}x", /no \{\{end\}\}/],
    ["{{end}}", /unexpected \{\{end\}\}/],
    ["{{nope .Name}}", /function "nope" not defined/],
    ["{{}}", /./],
    ["{{.Nam}}", /can't evaluate field Nam/],
    ["{{index .Image.Config.Env 7}}", /index out of range/],
    ['{{template "x"}}', /not supported/],
    ["{{.Name .Name}}", /can't give argument to non-function/],
  ];
  for (const [source, message] of refused)
    test(`refuses ${source}`, () => assert.throws(() => render(source), { message }));

  test("tells which fields of the data it takes", () => {
    const template = compileTemplate("{{json .Image}}{{with .Manifest}}{{.Digest}}{{end}}");
    assert.ok(template.rootFields.has("Image") && template.rootFields.has("Manifest"));
    assert.equal(template.usesRoot, false);
    assert.equal(compileTemplate("{{json .}}").usesRoot, true);
  });
});
