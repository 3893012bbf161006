/** What each instruction does to a stage. One file per instruction; {@link applyStep} chooses. */
export { applyStep } from "./apply-step.ts";
