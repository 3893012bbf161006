import { BuildError, messageOf } from "../../base/errors/mod.ts";
import { log } from "../../base/log/mod.ts";
import { type ContainerEdits, mergeEdits } from "./container-edits.ts";
import { decodeDeviceSpec, type DeviceSpec } from "./device-spec.ts";
import { isKind, splitDeviceName } from "./names.ts";
import { findSpecFiles, readSpecFile, type SpecFile } from "./spec-files.ts";

/** What the configuration says of devices. */
export interface DeviceSettings {
  /** Where specifications are; later ones have priority. */
  readonly specDirs: readonly string[];
  /** Devices, and kinds of them, that every build may have. */
  readonly autoAllowed: readonly string[];
}

/** A device that builds can ask for. */
export interface Device {
  /** `vendor.com/class=name` */
  readonly name: string;
  readonly annotations: Readonly<Record<string, string>>;
  /** Whether a build gets it without having been granted it. */
  readonly autoAllowed: boolean;
}

/** What a step asks for: a device, a kind (its first device, or with `=*` all of them), or a class that devices say they are of. */
export interface DeviceRequest {
  readonly name: string;
  /** Nothing when there is none. */
  readonly optional: boolean;
}

interface KnownDevice extends Device {
  readonly spec: DeviceSpec;
  readonly edits: ContainerEdits;
  readonly priority: number;
}

const classAnnotation = "org.mobyproject.buildkit.device.class";
const autoAllowAnnotation = "org.mobyproject.buildkit.device.autoallow";

/** The machine's devices as its specification files describe them now: files are read again when they have changed. */
export class DeviceRegistry {
  readonly #settings: DeviceSettings;
  #stamps = "";
  #devices: Promise<ReadonlyMap<string, KnownDevice>> = Promise.resolve(new Map());

  constructor(settings: DeviceSettings) {
    this.#settings = settings;
  }

  /** All devices, by name. */
  async list(): Promise<readonly Device[]> {
    return [...(await this.#load()).values()].map(({ name, annotations, autoAllowed }) => ({
      name,
      annotations,
      autoAllowed,
    }));
  }

  /**
   * The devices that requests mean, each once.
   * @throws {BuildError} `not_found` when there is none for a request that is not optional
   */
  async find(requests: readonly DeviceRequest[]): Promise<readonly Device[]> {
    const known = [...(await this.#load()).values()];
    return [...new Set(requests.flatMap((request) => matching(request, known)))];
  }

  /** What makes a container have devices, which {@link find} has found. */
  async edits(devices: readonly Device[]): Promise<ContainerEdits> {
    const known = await this.#load();
    const found = devices.flatMap(({ name }) => {
      const device = known.get(name);
      if (!device) throw new BuildError("not_found", `unresolvable CDI devices ${name}`);
      return [device];
    });
    const all = new Set<ContainerEdits>();
    for (const { spec, edits } of found) all.add(spec.edits).add(edits);
    return mergeEdits([...all]);
  }

  #load(): Promise<ReadonlyMap<string, KnownDevice>> {
    const files = findSpecFiles(this.#settings.specDirs);
    const stamps = files.map(({ stamp }) => stamp).join("\n");
    if (stamps !== this.#stamps) {
      this.#stamps = stamps;
      this.#devices = readDevices(files, this.#settings.autoAllowed);
    }
    return this.#devices;
  }
}

/** Of two files of one directory that describe the same device neither counts, as nobody can tell which was meant. */
async function readDevices(
  files: readonly SpecFile[],
  autoAllowed: readonly string[],
): Promise<ReadonlyMap<string, KnownDevice>> {
  const devices = new Map<string, KnownDevice>();
  const conflicts = new Set<string>();
  for (const { path, priority } of files) {
    let spec: DeviceSpec;
    try {
      spec = decodeDeviceSpec(await readSpecFile(path));
    } catch (error) {
      log.warn(`CDI setup error ${path}: ${messageOf(error)}`);
      continue;
    }
    for (const device of spec.devices) {
      const name = `${spec.kind}=${device.name}`;
      if (devices.get(name)?.priority === priority) {
        log.warn(
          `CDI setup error ${path}: conflicting device ${name}: another file of the same directory describes it, too`,
        );
        conflicts.add(name);
      } else {
        conflicts.delete(name);
      }
      const annotations = { ...spec.annotations, ...device.annotations };
      const isAllowed =
        autoAllowed.includes(name) || autoAllowed.includes(spec.kind) || isTrue(annotations[autoAllowAnnotation]);
      devices.set(name, { name, annotations, autoAllowed: isAllowed, spec, edits: device.edits, priority });
    }
  }
  for (const name of conflicts) devices.delete(name);
  return new Map([...devices].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function matching({ name: wanted, optional }: DeviceRequest, known: readonly KnownDevice[]): readonly KnownDevice[] {
  const { kind, name } = splitDeviceName(wanted);
  const ofKind = isKind(kind) ? known.filter((device) => device.spec.kind === kind) : [];
  const named =
    name === "*" ? ofKind : name === "" ? ofKind.slice(0, 1) : ofKind.filter((device) => device.name === wanted);
  const found = named.length > 0 ? named : known.filter(({ annotations }) => annotations[classAnnotation] === wanted);
  if (found.length > 0) return found;
  if (!optional) throw new BuildError("not_found", `required device ${JSON.stringify(wanted)} is not registered`);
  log.debug(`Optional device ${JSON.stringify(wanted)} is not registered`);
  return [];
}

/** As Go's strconv.ParseBool has it. */
const isTrue = (text: string | undefined) => /^(1|t|T|TRUE|true|True)$/.test(text ?? "");
