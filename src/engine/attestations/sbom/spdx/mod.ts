/** Findings written as SPDX documents. */
export { type DocumentOptions, spdxDocument } from "./document.ts";
