// What the fuzzer knows to do.
import { calls } from "./calls.mjs";
import { kind as failedEvaluations } from "./failed-evaluations.mjs";
import { kind as kernelCaches } from "./kernel-caches.mjs";
import { kind as lazyIndices } from "./lazy-indices.mjs";
import { kind as littleMemory } from "./little-memory.mjs";
import { kind as realms } from "./realms.mjs";
import { kind as reentry } from "./reentry.mjs";
import { kind as replacedFiles } from "./replaced-files.mjs";
import { kind as scopes } from "./scopes.mjs";
import { kind as smallStacks } from "./small-stacks.mjs";
import { kind as tangents } from "./tangents.mjs";
import { kind as typedArrays } from "./typed-arrays.mjs";

/**
 * @typedef {{ name: string, programs: () => import("fast-check").Arbitrary<string>, cost?: number }} Target
 * Programs are texts; a target that costs as much as a hundred others has a hundredth of their
 * runs.
 *
 * @typedef {{ targets: Target[], checks?: Record<string, Function> }} Kind
 * `checks` are functions that programs can name. They throw a Finding (finding.mjs).
 */

/** @type {Record<string, Kind>} */
export const kinds = {
  calls,
  failedEvaluations,
  kernelCaches,
  lazyIndices,
  littleMemory,
  realms,
  reentry,
  replacedFiles,
  scopes,
  smallStacks,
  tangents,
  typedArrays,
};
