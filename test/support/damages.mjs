// Ways to damage a file, by chance that a seed decides.

/**
 * Integers from 0 up to n, without n.
 * @param {number} seed
 * @returns {(n: number) => number}
 */
export function randomOf(seed) {
  let state = seed;
  return (n) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * n);
  };
}

/** @typedef {(n: number) => number} Random */

const hostile = [0n, 1n, 0x7fn, 0xffn, 0xffffn, 0x7fffffffn, 0x80000000n, 0xffffffffn, 2n ** 40n];
const huge = [2n ** 53n, 2n ** 62n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 32n, 2n ** 64n - 1n];

/** @type {((bytes: Buffer, random: Random) => Buffer)[]} */
const damages = [
  (bytes, random) => bytes.subarray(0, random(bytes.length)),
  (bytes, random) => {
    const place = random(bytes.length);
    bytes[place] = /** @type {number} */ (bytes[place]) ^ (1 << random(8));
    return bytes;
  },
  // Early ones are the header's.
  (bytes, random) => {
    const place = random(Math.min(bytes.length, 64));
    bytes[place] = random(256);
    return bytes;
  },
  (bytes, random) => {
    const values = [...hostile, ...huge];
    if (bytes.length >= 8) {
      const value = /** @type {bigint} */ (values[random(values.length)]);
      bytes.writeBigUInt64LE(value, random(bytes.length - 7));
    }
    return bytes;
  },
  (bytes, random) => {
    if (bytes.length >= 4) {
      const value = /** @type {bigint} */ (hostile[random(8)]);
      bytes.writeUInt32LE(Number(value), random(bytes.length - 3));
    }
    return bytes;
  },
  // A number as shapes and operations have them.
  (bytes, random) => {
    if (bytes.length >= 4) {
      const values = [-2, -1, 0, 1, 2, 3, 5, 64];
      bytes.writeInt32LE(/** @type {number} */ (values[random(8)]), random(bytes.length - 3));
    }
    return bytes;
  },
  // A digit of a shape or an offset.
  (bytes, random) => {
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
  (bytes, random) => {
    const [a, b] = [random(bytes.length), random(bytes.length)];
    return Buffer.concat([bytes.subarray(0, a), bytes.subarray(b)]);
  },
  (bytes, random) => Buffer.from(Array.from(bytes, () => random(256))),
];

/**
 * Damages bytes once.
 * @param {Buffer} bytes
 * @param {Random} random
 * @returns {Buffer}
 */
export function damage(bytes, random) {
  const how = /** @type {(typeof damages)[number]} */ (damages[random(damages.length)]);
  return how(bytes, random);
}
