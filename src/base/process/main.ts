/** Entry of the helper process: `spawner.cjs` where the program is bundled. */
import { runHelper } from "./helper.ts";

runHelper();
