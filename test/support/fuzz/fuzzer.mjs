// Runs the programs of all kinds (kinds.mjs), which are texts, so that the one
// that was under way when the process ended can be read and run again.
// usage: fuzzer.mjs --seed N --runs M --share I/N --from TARGET [--kind KIND] [--only NAME]
// In the current folder it writes `program`; what it finds goes to stdout.
import { ftruncateSync, openSync, writeFileSync, writeSync } from "node:fs";
import { parseArgs } from "node:util";
import fc from "fast-check";
import mlx from "mlx-js";
import { Finding } from "./finding.mjs";
import { boom, goldenCases, renew, run } from "./hostile.mjs";
import { kinds } from "./kinds.mjs";

/** @typedef {import("./hostile.mjs").Any} Any */

const mx = mlx.core;
mx.setDefaultDevice(mx.cpu);

const { values: given } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    runs: { type: "string", default: "50" },
    share: { type: "string", default: "0/1" },
    from: { type: "string", default: "0" },
    kind: { type: "string" },
    only: { type: "string", default: "" },
    eval: { type: "string" },
  },
});
const seed = Number(given.seed);
const runs = Number(given.runs);
const from = Number(given.from);
const [share = 0, shares = 1] = given.share.split("/").map(Number);

const targets = Object.entries(kinds).flatMap(([kind, { targets }]) =>
  targets.map((target) => ({ ...target, kind })),
);
const checks = Object.assign({}, ...Object.values(kinds).map(({ checks }) => checks));

const most = 16 << 20;
let stream = mx.defaultStream(mx.cpu);
const limits = {
  memory: mx.getMemoryLimit(),
  cache: mx.setCacheLimit(1 << 28),
};
mx.setCacheLimit(limits.cache);
const printing = mx.getPrintoptions();

/** @param {string} text */
function putBack(text) {
  mx.setDefaultDevice(mx.cpu);
  if (text.includes("clearStreams")) {
    stream = mx.newStream(mx.cpu);
  }
  mx.setDefaultStream(stream);
  mx.enableCompile();
  mx.setMemoryLimit(limits.memory);
  mx.setCacheLimit(limits.cache);
  mx.setPrintoptions(/** @type {Any} */ (printing));
}

// What arrays had in all before the program: one that could be computed only
// with more memory than there may be is left alone.
let before = 0;

/** Uses a result as a user would. @param {Any} x */
function use(x, depth = 0) {
  if (x instanceof mx.array) {
    const dims = x.shape.reduce((n, size) => n * Math.max(size, 1), x.itemsize);
    if (dims <= most && mx.memory().arrayBytes - before <= 4 * most) {
      mx.eval(x);
      String(x);
      x.tolist();
      x.toTypedArray();
    }
    return;
  }
  if (typeof x !== "object" || x === null || depth > 3) {
    return;
  }
  if (Object.hasOwn(x, "failure") && x.failure !== 1) {
    throw new TypeError("gave a failure of the addon");
  }
  if (x[Symbol.dispose] !== undefined) {
    x[Symbol.dispose]();
  }
  const plain = [Object.prototype, Array.prototype, null].includes(Object.getPrototypeOf(x));
  if (plain || x instanceof mlx.nn.Module) {
    for (const child of Object.values(x).slice(0, 100)) {
      use(child, depth + 1);
    }
  }
}

const raw =
  /undefined|is not a function|is not iterable|is not a constructor|private|of null|Cannot (read|set|convert|mix|destructure|redefine|define|delete|assign)|Invalid array length|call stack|bad_alloc|std::|vector::|map::|basic_string|stoi|bad optional|bad_variant|[Ii]nternal|Object prototype|is not extensible|read.only|primitive/;

/**
 * What is wrong with an error, or undefined.
 * @param {Any} error
 * @param {string} text
 */
function wrongWith(error, text) {
  if (error instanceof Finding) {
    return error.message;
  }
  if (error === boom || error === null) {
    return text.match(/boom|null|throwing|failing/) ? undefined : "threw somebody else's";
  }
  if (/new mx.FormatError/.test(text)) {
    return undefined; // it throws what new Error does with such arguments
  }
  if (!(error instanceof Error)) {
    return `threw ${String(error)}`;
  }
  const { message } = error;
  // Thrown by a function of the program's own that something else has called.
  const [, thrower = "", caller = ""] = error.stack?.split("\n    at ") ?? [];
  if (/eval at run /.test(thrower) && !/^run |eval at run /.test(caller)) {
    return undefined;
  }
  // Of a value's own, or of JavaScript's calls.
  if (/revoked/.test(text) && /proxy that has been revoked/.test(message)) {
    return undefined;
  }
  if (/deep\(/.test(text) && /call stack/.test(message)) {
    return undefined;
  }
  if (/without 'new'/.test(message) && /class \{\}|new |nn|mx\./.test(text)) {
    return undefined;
  }
  // The last check is the addon's, which does not know who calls it.
  const ours = /^\[[\w.]+\] |^Expected [^']+\.$/.test(message);
  if ((error instanceof TypeError || error instanceof RangeError) && !ours) {
    return error.stack ?? message;
  }
  if (message === "" || (!ours && raw.test(message))) {
    return error.stack ?? message;
  }
  return undefined;
}

const log = openSync("program", "w");
let number = 0;

/** @param {string} text */
function note(text) {
  const line = Buffer.from(`${number} ${text}`);
  writeSync(log, line, 0, line.length, 0);
  ftruncateSync(log, line.length);
}

let calls = 0;
let refused = 0;

process.on("unhandledRejection", (error) => {
  if (error !== boom) {
    console.log(JSON.stringify({ found: "unhandled", error: String(error) }));
  }
});

/** What is so after every program. */
function checkState() {
  const seen = mx.tidy(() => {
    const x = mx.add(mx.array([1, 2, 3]), mx.array([[10], [20]]));
    return JSON.stringify([x.get(1).tolist(), mx.sum(x, 0).tolist(), String(x.dtype)]);
  });
  if (seen !== '[[21,22,23],[32,34,36],"float32"]') {
    throw new Finding(`a broken state: ${seen}`);
  }
}

/** @param {string} text */
async function check(text) {
  note(text);
  renew();
  calls++;
  before = mx.memory().arrayBytes;
  try {
    /** @type {Any} */
    let result;
    const body = () => {
      result = run(text, checks);
      use(result);
    };
    // Every fourth, and what goes on after it has returned.
    if (text.length % 4 === 0 || /^\w+\(\{"/.test(text)) {
      body();
    } else {
      mx.tidy(body);
    }
    if (result instanceof Promise) {
      await result;
    }
  } catch (error) {
    refused++;
    const wrong = wrongWith(error, text);
    if (wrong !== undefined) {
      throw new Error(wrong);
    }
  } finally {
    putBack(text);
  }
  checkState();
}

for (const file of goldenCases("io")) {
  writeFileSync(`good.${file.format}`, Buffer.from(file.bytes, "base64"));
}

async function main() {
  if (given.eval) {
    try {
      await check(given.eval);
    } catch (error) {
      const found = {
        found: "error",
        program: given.eval,
        error: /** @type {Error} */ (error).message,
      };
      console.log(JSON.stringify(found));
    }
    return;
  }
  for (const [i, t] of targets.entries()) {
    number = i;
    const wanted = t.kind === (given.kind ?? t.kind) && t.name.includes(given.only);
    if (i % shares !== share || i < from || !wanted) {
      continue;
    }
    note(`what ${t.name} is called with`);
    const property = fc.asyncProperty(t.programs(), check);
    const cost = t.cost ?? 1;
    const outcome = await fc.check(property, {
      seed: seed + i,
      numRuns: Math.ceil(runs / cost),
      // Smaller programs with the same fault are many more.
      endOnFailure: cost > 10,
    });
    if (outcome.failed) {
      const [program] = outcome.counterexample ?? [];
      const error = /** @type {Any} */ (outcome.errorInstance)?.message;
      console.log(JSON.stringify({ found: "error", target: t.name, program, error }));
    }
  }
  console.log(JSON.stringify({ targets: targets.length, calls, refused }));
}

await main();
