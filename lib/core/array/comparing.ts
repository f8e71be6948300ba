/**
 * How deep comparisons tell arrays apart. They look at what objects have of
 * their own and can be listed; an array's dtype, shape and values are elsewhere,
 * so any two would be the same to them. Therefore each has one such property,
 * {@link unlike}, a number that only it has.
 *
 * That is what those see who look at nothing else, such as Bun's. Others first
 * ask what kind of object it is: `node:assert` and chai for its tag, Jest and
 * vitest for `asymmetricMatch`, small ones for its constructor. Then the array
 * gets another one instead, `content`, a text that equal arrays have in common,
 * and no others: these compare values.
 */

import { crypto } from "../call/lazy.js";
import { native } from "../call/native.js";
import { define } from "../call/objects.js";
import { float64 } from "../dtype.js";
import { array, isArray, slotOf, unlike } from "./array.js";
import { array as construct } from "./construct.js";
import { type Nested, nestedFrom, valuesOf } from "./output.js";
import { valueText } from "./texts.js";
import type { TypedArray } from "./typed-arrays.js";

// Longer ones are told apart by a hash.
const longestText = 1000;

function text(x: array): string {
  const { shape, dtype, size } = x;
  const values = valuesOf(slotOf(x), dtype, "content");
  const sizes = `shape=[${shape.join(", ")}]`;
  if (size > longestText) {
    return `${x}, ${sizes}, sha256=${hash(values)}`;
  }
  const lists = (value: Nested): string =>
    Array.isArray(value) ? `[${value.map(lists).join(", ")}]` : valueText(value, dtype !== float64);
  const inside = lists(nestedFrom(values, shape, dtype));
  return `array(${inside}, ${size === 0 ? `${sizes}, ` : ""}dtype=${dtype})`;
}

function hash(values: TypedArray): string {
  const { createHash } = crypto();
  if (values instanceof Float32Array || values instanceof Float64Array) {
    // All NaNs count as the same, whatever their bits.
    for (let i = 0; i < values.length; i++) {
      if (Number.isNaN(values[i])) {
        values[i] = Number.NaN;
      }
    }
  }
  return createHash("sha256").update(values).digest("hex");
}

const revealed = new WeakSet<array>();

/** Gives an array its `content`: a text of what it has when it is asked. */
function reveal(x: unknown): void {
  if (!isArray(x) || revealed.has(x)) {
    return;
  }
  revealed.add(x);
  const number = x[unlike];
  if (!Reflect.defineProperty(x, unlike, { value: undefined, enumerable: false })) {
    // A frozen array stays as it is.
    return;
  }
  // What has no values, or none yet, is equal to itself alone.
  const get = () =>
    !x.disposed && native.is_computable(slotOf(x)) ? text(x) : `array number ${number}`;
  Object.defineProperty(x, "content", { get, configurable: true, enumerable: true });
  if (!x.disposed && x.ndim === 0) {
    // Jest and vitest go through all that seems to have an iterator.
    Object.defineProperty(x, Symbol.iterator, { value: undefined, configurable: true });
  }
}

const asked = {
  [Symbol.toStringTag]: undefined,
  asymmetricMatch: undefined,
  constructor: construct,
};

for (const name of Reflect.ownKeys(asked)) {
  const value: unknown = Reflect.get(asked, name);
  Object.defineProperty(array.prototype, name, {
    get(this: unknown) {
      reveal(this);
      return value;
    },
    configurable: true,
  });
}

// Where a comparison fails, Jest copies both sides, with what their getters give,
// and prints the copies. Those of arrays have their content, and nothing else.
Object.defineProperty(array.prototype, Symbol.for("@jest/serializableProperties"), {
  get(this: object) {
    return Object.hasOwn(Object(this), "content") ? ["content"] : [];
  },
  configurable: true,
});

const { toJSON } = array.prototype;

define(array.prototype, "toJSON", function (this: array & { readonly content?: unknown }) {
  const isCopy = !isArray(this) && Object.hasOwn(Object(this), "content");
  return isCopy ? (this as { content: unknown }).content : toJSON.call(this);
});

// Where an object has these of its own, some compare what they give: a text
// would be the same for many arrays.
define(array.prototype, "valueOf", function (this: unknown) {
  return this;
});
