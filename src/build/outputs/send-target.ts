import type { FileSink, SendTarget } from "../../session/mod.ts";
import type { ClientStep } from "../events.ts";
import type { OpenSinks } from "./open-sinks.ts";
import type { OutputTarget } from "./plan-outputs.ts";
import { consumerSink, openFileSink, streamSink } from "./sinks.ts";

/** The places outside of the file system that results can go to. */
export interface OutputPlaces {
  readonly stdout: NodeJS.WritableStream;
  /** Gives an archive to the Docker Engine of a context. */
  readonly loadImage: (archive: AsyncIterable<Uint8Array>, context: string | undefined) => Promise<void>;
  readonly onStep: (step: ClientStep) => void;
  readonly now: () => Date;
  /** Told of each sink that is opened. */
  readonly sinks: OpenSinks;
}

/** What takes the bytes that an exporter sends; `undefined` for one that sends none. */
export function sendTarget(target: OutputTarget, places: OutputPlaces): SendTarget | undefined {
  switch (target.type) {
    case "none":
    case "layout": // the engine writes blobs to a store instead
      return undefined;
    case "directory":
      return { type: "directory", path: target.path, mode: target.mode };
    case "file":
      return { type: "file", open: () => places.sinks.open(() => openFileSink(target.path)) };
    case "stdout":
      return { type: "file", open: () => places.sinks.open(() => streamSink(places.stdout)) };
    case "docker-engine":
      return { type: "file", open: () => places.sinks.open(() => loadingSink(target.context, places)) };
  }
}

/** Loads into the Docker Engine, as a step of its own. */
function loadingSink(context: string | undefined, { loadImage, onStep, now }: OutputPlaces): FileSink {
  const step = { id: `importing to docker ${context ?? ""}`, name: "importing to docker", started: now() };
  onStep(step);
  return consumerSink(async (archive) => {
    try {
      await loadImage(archive, context);
      onStep({ ...step, completed: now() });
    } catch (error) {
      onStep({ ...step, completed: now(), error: error instanceof Error ? error.message : String(error) });
      throw error;
    }
  });
}
