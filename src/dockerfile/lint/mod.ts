/**
 * What is allowed in a Dockerfile and yet likely a mistake. Rules that need no knowledge of variables and images are checked here; the
 * others by whoever has it, who reports to the same {@link Linter}.
 */
export { checkCasing, checkStageNames } from "./file-checks.ts";
export { checkDescription, checkNode } from "./instruction-checks.ts";
export { type LintOptions, noLintOptions, parseLintOptions } from "./lint-options.ts";
export { formatFinding, Linter, type LintFinding } from "./linter.ts";
export { type LintRule, type LintRuleName, lintRules, ruleAddress } from "./rules.ts";
export { isSecretName } from "./secret-names.ts";
