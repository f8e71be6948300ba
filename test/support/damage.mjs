// Loads damaged files, in a process of its own: it must end with errors only.
// usage: damage.mjs SEED ROUNDS
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { mx } from "mlx-js";
import { damage, randomOf } from "./damages.mjs";

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

const random = randomOf(seed);

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
    data = damage(data, random);
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
