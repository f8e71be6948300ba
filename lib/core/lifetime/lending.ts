/** Other arrays in the places of a tree's, for as long as a function runs. */
import { type array, isArray } from "../array/array.js";
import { flatten, pathOf } from "../transforms/structure.js";
import { type Branch, childOf, isBranch, isModule, putChild } from "../transforms/tree.js";

const anyArray = Symbol("array");

/**
 * The same trees with something in the places of their arrays that
 * {@link withLent} takes for one. Modules stay as they are.
 */
export function withoutArrays(trees: unknown, fn: string): unknown[] {
  const [arrays, structure] = flatten(trees, {
    fn,
    param: (index) => `argument ${index}`,
    take: isArray,
    modulesAreLeaves: true,
  });
  return structure.fill(arrays.map(() => anyArray)) as unknown[];
}

interface Loan {
  branch: Branch;
  name: string | number;
  own: unknown;
  lent: unknown;
}

/**
 * Calls a function with a list of trees in which other arrays stand in the
 * places of theirs, in order. Modules are the caller's own, and so are all lists
 * and records that are not frozen if they are lent `inPlace`: what the function
 * puts there stays, and all else is as before afterwards.
 */
export function withLent<T>(
  trees: readonly unknown[],
  arrays: readonly array[],
  inPlace: boolean,
  caller: string,
  fn: (trees: unknown[]) => T,
): T {
  const loans: Loan[] = [];
  const path = pathOf(caller, "arguments");
  const given = [...trees];
  let next = 0;
  try {
    path.enter([...trees], given);
    path.through<Branch>((out, name, own, branch) => {
      let lent = own;
      if (isArray(own) || own === anyArray) {
        lent = arrays[next++];
      } else if (isBranch(own)) {
        lent = (inPlace && !Object.isFrozen(own)) || isModule(own) ? own : copyOf(own);
        path.enter(own, lent);
      }
      if (lent !== own) {
        putChild(out, name, lent);
        if (out === branch) {
          loans.push({ branch, name, own, lent });
        }
      }
    });
    return fn(given);
  } finally {
    for (const { branch, name, own, lent } of loans.reverse()) {
      if (childOf(branch, name) === lent) {
        putChild(branch, name, own);
      }
    }
  }
}

function copyOf(branch: Branch): Branch {
  return Array.isArray(branch) ? [...branch] : { ...branch };
}
