/** Values as texts from which they could be read again. */
import type { Scalar } from "./stand-in.js";

/** @param single Whether it is a number of float32, or of less. */
function numberText(x: number, single: boolean): string {
  if (!Number.isFinite(x)) {
    return Number.isNaN(x) ? "nan" : x > 0 ? "inf" : "-inf";
  }
  if (Object.is(x, -0)) {
    return "-0";
  }
  // A float32 printed as the double that it is in JavaScript would have many digits without meaning.
  for (let digits = 6; single && digits <= 9; digits++) {
    const short = Number(x.toPrecision(digits));
    if (Math.fround(short) === x) {
      return String(short);
    }
  }
  return String(x);
}

/** A value as short as it can be without being another one. */
export function valueText(x: Scalar, single: boolean): string {
  if (typeof x === "number") {
    return numberText(x, single);
  }
  if (typeof x !== "object") {
    return String(x);
  }
  const imaginary = numberText(x.im, single);
  return `${numberText(x.re, single)}${imaginary.startsWith("-") ? "" : "+"}${imaginary}j`;
}
