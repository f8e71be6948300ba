/** Numbers with names, and `newaxis`. */

/** Euler's number. */
export const e = Math.E;
/** The Euler-Mascheroni constant. */
export const eulerGamma = 0.5772156649015329;
/** Infinity. */
export const inf = Number.POSITIVE_INFINITY;
/** What is not a number. */
export const nan = Number.NaN;
/** π. */
export const pi = Math.PI;
/** A new axis, as an index: `null`. */
export const newaxis = null;
