import { readFileSync } from "node:fs";
import { Script } from "node:vm";
import { trustAuthorities } from "./authorities.ts";

/** Where the code caches for this Node lie, below the folder of a program's chunks. V8 takes no others, but other processors must not even try. */
export const codeCacheFolder = `code-${process.version}-${process.arch}`;

interface Module {
  exports: unknown;
}

/**
 * Runs a bundled program: loads its chunks when they are asked for, as `require` would, but takes from beside them what V8 made of them when
 * they were built (`scripts/code-cache.ts`). A chunk without such a cache, or with one that V8 does not take, is compiled.
 * @param directory of the chunks
 * @param main the chunk that is the program
 * @param onCompiled told of each chunk when it is ready to run
 */
export function loadProgram(
  directory: string,
  main: string,
  onCompiled?: (name: string, script: Script) => void,
): void {
  const loaded = new Map<string, Module>();
  const load = (name: string): unknown => {
    const found = loaded.get(name);
    if (found) return found.exports;
    const filename = `${directory}/${name}`;
    const text = `(function(exports,require,module,__filename,__dirname){${readFileSync(filename, "utf8")}\n})`;
    const script = new Script(text, { filename, cachedData: cacheOf(directory, name) });
    onCompiled?.(name, script);
    const module: Module = { exports: {} };
    loaded.set(name, module);
    script.runInThisContext()(module.exports, requireFrom, module, filename, directory);
    return module.exports;
  };
  let trusting = false;
  const requireFrom = (id: string): unknown => {
    if (id.startsWith("./")) return load(id.slice("./".length));
    trusting ||= trustAuthorities(id);
    const builtin = process.getBuiltinModule(id) as unknown;
    if (builtin === undefined) throw new Error(`Cannot find module '${id}'`);
    return builtin;
  };
  load(main);
}

function cacheOf(directory: string, name: string): Buffer | undefined {
  try {
    return readFileSync(`${directory}/${codeCacheFolder}/${name}`);
  } catch {
    return undefined; // this Node is not the one that the program was built with
  }
}
