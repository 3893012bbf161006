import type { MessageInitShape } from "../../base/protobuf/mod.ts";
import type { worker } from "../../api/mod.ts";
import { BuildError } from "../../base/errors/mod.ts";
import { FilterError, parseFilters, textField } from "../../base/text/filter/mod.ts";

type WorkerRecord = MessageInitShape<typeof worker.WorkerRecordSchema>;

/**
 * The workers that one of the filters of ListWorkers matches: by `id`, and by labels (`labels."org.example.rack"==7`). Without filters, all of them.
 * @throws {BuildError} `invalid_argument`
 */
export function filterWorkers<W extends WorkerRecord>(workers: readonly W[], filters: readonly string[]): readonly W[] {
  return workers.filter(({ ID = "", Labels = {} }) => {
    const labels = Object.entries(Labels).map(([name, value]) => [`labels.${name}`, () => textField(value)]);
    try {
      return parseFilters<undefined>(filters, {
        texts: { ...Object.fromEntries(labels), id: () => textField(ID) },
      })(undefined);
    } catch (error) {
      if (!(error instanceof FilterError)) throw error;
      throw new BuildError("invalid_argument", `failed to parse worker filter ${error.message}`, { cause: error });
    }
  });
}
