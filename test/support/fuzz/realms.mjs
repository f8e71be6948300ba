// Lists, records, typed arrays and functions that were made in another realm.
import vm from "node:vm";
import { same, sameTargets } from "./same.mjs";

/** @typedef {import("./hostile.mjs").Any} Any */

const realm = vm.runInNewContext("({ globalThis, Object, Array, Function })");

const checks = {
  same,
  /** The same, of another realm. @param {Any} x @returns {Any} */
  alien(x) {
    if (Array.isArray(x)) {
      return realm.Array.from(x.map(checks.alien));
    }
    if (ArrayBuffer.isView(x)) {
      return new realm.globalThis[x.constructor.name](x);
    }
    if (typeof x === "object" && x !== null && Object.getPrototypeOf(x) === Object.prototype) {
      const out = new realm.Object();
      for (const [key, value] of Object.entries(x)) {
        out[key] = checks.alien(value);
      }
      return out;
    }
    return x;
  },
};

/** @type {import("./kinds.mjs").Kind} */
export const kind = {
  checks,
  targets: sameTargets(
    "another realm",
    (before) => (/^[[{]/.test(before) ? `alien(${before})` : before),
    false,
  ),
};
