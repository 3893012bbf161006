import { renderColumns, type Row } from "../columns.ts";
import type { ImageDetails } from "./image-details.ts";

/** One image for people: what it is, what it runs, what it is made of. */
export function renderDetails(image: ImageDetails): string {
  const { Config: config } = image;
  const row = (name: string, value: string | undefined): Row[] => (value ? [[`${name}:`, value]] : []);
  const list = (name: string, values: readonly string[] | undefined): Row[] =>
    row(name, values && JSON.stringify(values));
  const keys = (map: object | null | undefined) => (map ? Object.keys(map).join(", ") : "");
  const head = renderColumns([
    ...row("Name", image.Name),
    ...row("Digest", image.Descriptor.digest),
    ...row("MediaType", image.Descriptor.mediaType),
    ...row("ImageID", image.Id),
    ...row("OS", image.Os),
    ...row("OSVersion", image.OsVersion),
    ...row("Architecture", image.Architecture),
    ...row("Variant", image.Variant),
    ...row("Created", image.Created),
    ...row("Author", image.Author),
    ...row("Size", `${image.Size} bytes in ${image.Layers.length} layers, compressed`),
    ...list("Entrypoint", config.Entrypoint),
    ...list("Cmd", config.Cmd),
    ...row("User", config.User),
    ...row("WorkingDir", config.WorkingDir),
    ...row("ExposedPorts", keys(config.ExposedPorts)),
    ...row("Volumes", keys(config.Volumes)),
    ...row("StopSignal", config.StopSignal),
  ]);
  const labels = Object.entries(config.Labels ?? {}).map(([key, value]) => `${key}=${value}`);
  const layers = image.Layers.map(({ digest, size, mediaType }) => `${digest} ${size} ${mediaType}`);
  return (
    head +
    section("Env", config.Env ?? []) +
    section("Labels", labels) +
    section("Layers", layers) +
    section("Programs", programLines(image.Programs))
  );
}

function programLines(programs: ImageDetails["Programs"]): readonly string[] {
  if (!programs) return [];
  const { Started: started, Platforms: platforms, Problems: problems } = programs;
  const counts = Object.entries(platforms).map(([platform, { Count, Examples }]) => {
    const more = Count > Examples.length ? ", …" : "";
    return `${Count} for ${platform}: ${Examples.join(", ")}${more}`;
  });
  return [
    ...(counts.length === 0 ? ["none"] : counts),
    ...(started ? [`started: ${started.Path} (${started.Platform})`] : []),
    ...problems.map((problem) => `PROBLEM: ${problem}`),
  ];
}

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? "" : `${title}:\n${lines.map((line) => `  ${line}\n`).join("")}`;
}
