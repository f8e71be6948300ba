// Loads damaged files, in a process of its own: it must end with errors only.
// usage: damage.mjs SEED ROUNDS
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { mx } from "mlx-js";

mx.setDefaultDevice(mx.cpu);

const [seed = 1, rounds = 1000] = process.argv.slice(2).map(Number);
/**
 * @typedef {{ $array: { dtype: "float32", shape: number[] } }} ArrayJson
 * @typedef {{ args: (ArrayJson | Record<string, ArrayJson>)[] }} Call
 * @typedef {{ format: "npy" | "npz" | "safetensors" | "gguf", bytes: string, calls?: Call[] }} Case
 */
/** @type {Case[]} */
const cases = ["io", "export"].flatMap((family) => {
  const golden = fileURLToPath(new URL(`../golden/${family}.json`, import.meta.url));
  return JSON.parse(readFileSync(golden, "utf8")).cases;
});

let state = seed;
/** @param {number} n */
function random(n) {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * n);
}

const hostile = [0n, 1n, 0x7fn, 0xffn, 0xffffn, 0x7fffffffn, 0x80000000n, 0xffffffffn, 2n ** 40n];
const huge = [2n ** 53n, 2n ** 62n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 32n, 2n ** 64n - 1n];

/** @type {((bytes: Buffer) => Buffer)[]} */
const damages = [
  (bytes) => bytes.subarray(0, random(bytes.length)),
  (bytes) => {
    const place = random(bytes.length);
    bytes[place] = /** @type {number} */ (bytes[place]) ^ (1 << random(8));
    return bytes;
  },
  // Early ones are the header's.
  (bytes) => {
    const place = random(Math.min(bytes.length, 64));
    bytes[place] = random(256);
    return bytes;
  },
  (bytes) => {
    const values = [...hostile, ...huge];
    if (bytes.length >= 8) {
      const value = /** @type {bigint} */ (values[random(values.length)]);
      bytes.writeBigUInt64LE(value, random(bytes.length - 7));
    }
    return bytes;
  },
  (bytes) => {
    if (bytes.length >= 4) {
      const value = /** @type {bigint} */ (hostile[random(8)]);
      bytes.writeUInt32LE(Number(value), random(bytes.length - 3));
    }
    return bytes;
  },
  // A number as shapes and operations have them.
  (bytes) => {
    if (bytes.length >= 4) {
      const values = [-2, -1, 0, 1, 2, 3, 5, 64];
      bytes.writeInt32LE(/** @type {number} */ (values[random(8)]), random(bytes.length - 3));
    }
    return bytes;
  },
  // A digit of a shape or an offset.
  (bytes) => {
    const text = bytes.toString("latin1");
    const digits = [...text.matchAll(/\d/g)];
    const digit = digits[random(digits.length)];
    if (digit === undefined) {
      return bytes;
    }
    const to = ["9", "99999999999", "-1", "1e9", "0.5", "", "18446744073709551616"][random(7)];
    return Buffer.from(text.slice(0, digit.index) + to + text.slice(digit.index + 1), "latin1");
  },
  // A piece that is missing, or there twice.
  (bytes) => {
    const [a, b] = [random(bytes.length), random(bytes.length)];
    return Buffer.concat([bytes.subarray(0, a), bytes.subarray(b)]);
  },
  (bytes) => Buffer.from(Array.from(bytes, () => random(256))),
];

/** @param {ArrayJson} json */
const zeros = ({ $array: { dtype, shape } }) => mx.zeros(shape, mx[dtype]);

/**
 * Imports a function and calls it.
 * @param {string} path
 * @param {Call[]} calls
 */
function call(path, calls) {
  const f = mx.importFunction(path);
  for (const { args } of calls) {
    const given = args.map((x) =>
      "$array" in x
        ? zeros(/** @type {ArrayJson} */ (x))
        : Object.fromEntries(Object.entries(x).map(([name, y]) => [name, zeros(y)])),
    );
    try {
      mx.eval(f(...given));
    } catch (error) {
      // MLX's own, of a function that is for other arrays now, say.
      if (!(error instanceof Error)) {
        throw error;
      }
    }
  }
}

const folder = mkdtempSync(join(tmpdir(), "mlx-js-damage-"));
const counts = { read: 0, refused: 0, other: 0 };
for (let i = 0; i < rounds; i++) {
  const { format, bytes, calls } = /** @type {Case} */ (cases[random(cases.length)]);
  /** @type {Buffer} */
  let data = Buffer.from(bytes, "base64");
  for (let times = 1 + random(2); times > 0; times--) {
    data = /** @type {(bytes: Buffer) => Buffer} */ (damages[random(damages.length)])(data);
  }
  const path = join(folder, `${i}`);
  writeFileSync(path, data);
  writeFileSync(join(folder, "last"), `${seed} ${i} ${format}`);
  for (const input of calls ? [path] : [path, data]) {
    try {
      mx.tidy(() => {
        if (calls) {
          call(path, calls);
          return;
        }
        const arrays = mx.load(input, { format });
        mx.eval(arrays);
        String(Object.values(arrays)[0]);
      });
      counts.read++;
    } catch (error) {
      if (!(error instanceof Error)) {
        throw error;
      }
      if (error instanceof mx.FormatError && error.message.includes(error.file)) {
        counts.refused++;
      } else {
        counts.other++;
        console.error(`${seed} ${i} ${format}: ${error.stack}`);
      }
    }
  }
  rmSync(path);
}
rmSync(folder, { recursive: true });
console.log(JSON.stringify({ ...counts, maxRSS: process.resourceUsage().maxRSS }));
