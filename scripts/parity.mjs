// Compares the package with MLX's Python API (test/upstream/api.json).
//
//   node scripts/parity.mjs   prints what neither agrees nor has a reason
//
// What differs for a reason stands in test/upstream/differences.json. The site
// shows all of it as a table.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { callOf, callText, placeOf } from "./parity/calls.mjs";
import { offered } from "./parity/package.mjs";

/** @typedef {import("./parity/calls.mjs").Call} Call */
/** @typedef {import("./parity/calls.mjs").Parameter} Parameter */
/** @typedef {import("./parity/calls.mjs").Upstream} Upstream */

/**
 * @typedef {object} Difference
 * @property {string | string[]} mlx
 * @property {string | null} ours what stands in the second column, or null where there is nothing
 * @property {string} note
 */

/**
 * @typedef {object} Row
 * @property {string} mlx
 * @property {string[]} expected what the rules ask for; empty where no call is to be compared
 * @property {string[] | undefined} actual what there is
 * @property {string} ours
 * @property {boolean} agrees
 * @property {string[]} [refused] options that the types have and the function does not check for
 * @property {number} unread defaults that could not be read from the source
 * @property {string} note
 */

/** @param {string} name */
const file = (name) => fileURLToPath(new URL(`../test/upstream/${name}`, import.meta.url));
/** @param {string} name */
const load = (name) => JSON.parse(readFileSync(file(name), "utf8"));

/** @type {Upstream} */
export const upstream = load("api.json");

/**
 * Whether a parameter is as the rules ask.
 *
 * @param {Parameter} a
 * @param {Parameter | undefined} b
 */
function agree(a, b) {
  return (
    b !== undefined &&
    // MLX's bindings number the parameters that have no name.
    (a.name === b.name || /^arg\d*$/.test(a.name)) &&
    (a.optional === b.optional || a.variadic === true) &&
    // Where Python has None, what it stands for is in the implementation.
    (a.value === undefined || b.value === undefined || a.value === "null" || a.value === b.value)
  );
}

/**
 * Whether a call is as the rules ask.
 *
 * @param {Call} expected
 * @param {Call} actual
 */
function same(expected, actual) {
  return (
    expected.rest === actual.rest &&
    expected.positional.length === actual.positional.length &&
    expected.options.length === actual.options.length &&
    expected.positional.every((a, i) => agree(a, actual.positional[i])) &&
    expected.options.every((a) =>
      agree(
        a,
        actual.options.find((b) => b.name === a.name),
      ),
    )
  );
}

/**
 * Whether a call asks for no more than the rules do: an overload, say, in which
 * an option has a value of which the result's type depends.
 *
 * @param {Call} expected
 * @param {Call} actual
 */
function within(expected, actual) {
  return (
    actual.positional.length <= expected.positional.length &&
    actual.positional.every((b, i) => {
      const a = /** @type {Parameter} */ (expected.positional[i]);
      return agree({ ...a, optional: b.optional }, b);
    }) &&
    actual.options.every((b) => {
      const a = expected.options.find((x) => x.name === b.name);
      return a !== undefined && agree({ ...a, optional: b.optional }, b);
    })
  );
}

/**
 * A call with its options in the order of MLX, its own before `stream`.
 *
 * @param {Call} call
 * @param {Call[]} expected
 * @returns {Call}
 */
function ordered(call, expected) {
  const names = expected.flatMap(({ options }) => options.map(({ name }) => name));
  /** @param {string} name */
  const rank = (name) =>
    name === "stream" ? Number.POSITIVE_INFINITY : names.indexOf(name) + 1 || names.length + 1;
  const options = [...call.options].sort((a, b) => rank(a.name) - rank(b.name));
  return { ...call, options };
}

/** @param {Call[]} calls */
const texts = (calls) => [...new Set(calls.map(callText))];

/**
 * @param {Call[]} expected
 * @param {Call[]} actual
 */
function unreadDefaults(expected, actual) {
  let count = 0;
  for (const call of expected) {
    const match = actual.find((x) => same(call, x));
    for (const kind of /** @type {const} */ (["positional", "options"])) {
      for (const { name, value } of match === undefined ? [] : call[kind]) {
        const ours = match?.[kind].find((x) => x.name === name);
        count += value !== undefined && value !== "null" && ours?.value === undefined ? 1 : 0;
      }
    }
  }
  return count;
}

/**
 * @param {string} name
 * @param {Upstream["api"]} api
 * @returns {Row}
 */
function compare(name, api) {
  const entry = api[name];
  const place = placeOf(name, api);
  const [root = "", ...rest] = place.path;
  const { member } = place;
  const path = [root, ...rest].join(".");
  const shown =
    member === undefined
      ? path
      : member === "constructor"
        ? `new ${path}`
        : `${path}${member.startsWith("[") ? "" : "."}${member}`;
  const found = offered(place);
  // An operator in Python stands for a method, which is compared by its own name.
  const operator = /\.__(?!init__|call__)\w+__$/.test(name);
  if (!Array.isArray(entry) || operator) {
    const agrees = found !== undefined;
    return {
      mlx: name,
      expected: [],
      actual: agrees ? [] : undefined,
      ours: shown,
      agrees,
      unread: 0,
      note: "",
    };
  }
  const expected = entry.map((signature) => callOf(name, signature, api));
  if (found === undefined) {
    return {
      mlx: name,
      expected: texts(expected),
      actual: undefined,
      ours: shown,
      agrees: false,
      unread: 0,
      note: "",
    };
  }
  const calls = found.calls.map((call) => ordered(call, expected));
  const agrees =
    calls.length > 0 &&
    expected.every((a) => calls.some((b) => same(a, b))) &&
    calls.every((b) => expected.some((a) => within(a, b)));
  const accepted = new Set(["stream", ...calls.flatMap((call) => call.accepted ?? [])]);
  const options = calls.flatMap((call) => call.options.map((x) => x.name));
  const forms = texts(calls).map((text) => shown + text);
  return {
    mlx: name,
    expected: texts(expected),
    actual: texts(calls),
    ours: forms.join("; "),
    agrees,
    unread: agrees ? unreadDefaults(expected, calls) : 0,
    refused: options.filter((x) => !accepted.has(x)),
    note: "",
  };
}

/** @param {Row} row */
function problemOf({ mlx, expected, actual, ours }) {
  if (actual === undefined) {
    return `${mlx}: expected ${ours}${expected.join(" or ")}, which is missing`;
  }
  return `${mlx}: expected ${expected.join(" or ")}, found ${ours}`;
}

/**
 * The comparison: what differs without a reason, and reasons without a difference.
 *
 * @param {Upstream} [python]
 * @param {Difference[]} [differences]
 */
export function parity(python = upstream, differences = load("differences.json")) {
  const { api } = python;
  /** @type {string[]} */
  const problems = [];
  const rows = Object.keys(api).map((name) => compare(name, api));
  const byName = new Map(rows.map((row) => [row.mlx, row]));

  /** @type {Map<string, Difference>} */
  const reasons = new Map();
  for (const difference of differences) {
    for (const name of [difference.mlx].flat()) {
      const row = byName.get(name);
      if (row === undefined) {
        problems.push(`${name} has a reason to differ, but MLX has no such name`);
      } else if (reasons.has(name)) {
        problems.push(`${name} has two reasons to differ`);
      } else if (row.agrees && !(row.unread > 0)) {
        problems.push(`${name} has a reason to differ, but it agrees: take the reason away`);
      } else if (row.actual !== undefined && difference.ours !== row.ours) {
        problems.push(`${name} has a reason for ${difference.ours}, but there is ${row.ours}`);
      }
      reasons.set(name, difference);
    }
  }
  for (const row of rows) {
    if (row.refused !== undefined && row.refused.length > 0) {
      problems.push(
        `${row.mlx}: ${row.refused.join(", ")} not among the options checked at run time`,
      );
    }
    const reason = reasons.get(row.mlx);
    if (reason !== undefined) {
      row.ours = reason.ours ?? "";
      row.note = reason.note;
    } else if (!row.agrees) {
      problems.push(problemOf(row));
    } else if (row.unread > 0) {
      problems.push(
        `${row.mlx}: scripts/parity/package.mjs finds no default in the source for ${row.ours}`,
      );
    }
  }
  return { rows, problems };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { problems } = parity();
  console.log(problems.length === 0 ? "Nothing differs without a reason." : problems.join("\n"));
  process.exitCode = problems.length === 0 ? 0 : 1;
}
