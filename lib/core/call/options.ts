/**
 * Options: the record at the end of a call. A table says of each option what it
 * may be and what it is when it is left out; the reader that is made from the
 * table checks what users write.
 */
import { asArray, isArray } from "../array/array.js";
import { asDtype } from "../dtype.js";
import { currentStream } from "../lifetime/context.js";
import { typeError } from "./codes.js";
import { describe } from "./describe.js";
import { mismatch } from "./errors.js";
import type { Signal } from "./globals.js";
import { nearest } from "./hints.js";
import { isIdentified } from "./identity.js";
import {
  asBoolean,
  asCount,
  asInteger,
  asLength,
  asNotNegative,
  asNumber,
  asPositive,
  asShare,
  asString,
  type Check,
} from "./numbers.js";
import { isRecord } from "./objects.js";

/**
 * What an option may be, and what it is when it is left out. `In` is what users
 * may write, `Out` what the reader gives.
 */
export interface Kind<In, Out = In, Required extends boolean = false> {
  readonly check: Check<Out>;
  readonly fallback: Out;
  readonly required: Required;
  /** Whether every call checks the default anew: it is what users would write. */
  readonly anew?: boolean | undefined;
  /** Whether it is the scope's stream when it is left out. */
  readonly ofScope?: boolean | undefined;
  /** Only a type: makes a kind of fewer or of more values another type. */
  readonly accepts?: ((value: In) => In) | undefined;
}

/** Makes kinds with a default, or without one: then an option that is left out is undefined. */
export interface KindOf<T> {
  (): Kind<T, T | undefined>;
  (fallback: T): Kind<T>;
}

/** A check that leaves to TypeScript what users write; at run time it may be anything. */
type CheckOf<In, Out> = (value: In, fn: string, param: string) => Out;

/** A kind that a check makes something else of than users write. */
export function kind<In, Out>(check: CheckOf<In, Out>): Kind<In, Out | undefined>;
export function kind<In, Out>(check: CheckOf<In, Out>, fallback: Out): Kind<In, Out>;
export function kind<In, Out>(check: CheckOf<In, Out>, fallback?: Out): Kind<In, Out | undefined> {
  return { check: check as Check<Out>, fallback, required: false };
}

/** The kinds that a check decides. */
export function kindOf<T>(check: Check<T>): KindOf<T> {
  return (fallback?: T) => ({ check, fallback: Object.freeze(fallback) as T, required: false });
}

/** The kinds of what passes a test; `expected` says in errors what that is. */
export function kindWhere<T>(passes: (value: unknown) => boolean, expected: string): KindOf<T> {
  return kindOf((value, fn, param) => {
    if (!passes(value)) {
      throw mismatch(fn, param, expected, value);
    }
    return value as T;
  });
}

/** A boolean. */
export const flag = kindOf(asBoolean);
/** A number. */
export const number = kindOf(asNumber);
/** A number above 0. */
export const positive = kindOf(asPositive);
/** A number of at least 0. */
export const notNegative = kindOf(asNotNegative);
/** A number from 0 up to 1, without 1. */
export const share = kindOf(asShare);
/** An integer. */
export const integer = kindOf(asInteger);
/** An integer of at least 1. */
export const count = kindOf(asCount);
/** An integer of at least 0. */
export const length = kindOf(asLength);
/** A string. */
export const text = kindOf(asString);
/** An array. */
export const arrayOption = kindOf(asArray);
/** A dtype. */
export const dtypeKind = kindOf(asDtype);

/** Whether something is an `AbortSignal`, of this realm or another. */
export function isSignal(x: unknown): x is Signal {
  if (typeof x !== "object" || x === null || isArray(x)) {
    return false;
  }
  const { aborted, addEventListener } = x as Partial<Signal>;
  return typeof aborted === "boolean" && typeof addEventListener === "function";
}

/** A signal that aborts. */
export const signalOption: KindOf<Signal> = kindWhere(isSignal, "an AbortSignal");

// biome-ignore lint/suspicious/noExplicitAny: of whatever type the options say
const later: Check<any> = (x) => x;
/** What the function checks itself, as it depends on more. */
// biome-ignore lint/suspicious/noExplicitAny: of whatever type the options say
export const checkedLater: KindOf<any> = kindOf(later);

/** One of several strings. */
export function oneOf<const T extends string>(values: readonly T[]): Kind<T, T | undefined>;
export function oneOf<const T extends string>(values: readonly T[], fallback: NoInfer<T>): Kind<T>;
export function oneOf<const T extends string>(
  values: readonly T[],
  fallback?: NoInfer<T>,
): Kind<T, T | undefined> {
  const check: Check<T> = (value, fn, param) => {
    if (typeof value !== "string" || !values.includes(value as T)) {
      const all = values.map((x) => JSON.stringify(x));
      throw mismatch(fn, param, `${all.slice(0, -1).join(", ")} or ${all.at(-1)}`, value);
    }
    return value as T;
  };
  return { check, fallback, required: false };
}

/** What `null`, too, may stand for: nothing. It is the same as leaving the option out. */
export function nullable<In, Out>(
  kind: Kind<In, Out>,
): Kind<In | null, Exclude<Out, undefined> | null> {
  type Nullable = Exclude<Out, undefined> | null;
  const check = (value: unknown, fn: string, param: string) =>
    value === null ? null : (kind.check(value, fn, param) as Nullable);
  return { check, fallback: (kind.fallback ?? null) as Nullable, required: false };
}

/** The same, for what takes undefined in place of `null`. */
export function optional<In, Out>(
  kind: Kind<In, Out>,
): Kind<In | null, Exclude<Out, undefined> | undefined> {
  const check = (value: unknown, fn: string, param: string) =>
    value === null ? undefined : (kind.check(value, fn, param) as Exclude<Out, undefined>);
  return { check, fallback: undefined, required: false };
}

/** What may not be left out. */
export function required<In, Out>(kind: Kind<In, Out>): Kind<In, Exclude<Out, undefined>, true> {
  return { ...kind, required: true } as unknown as Kind<In, Exclude<Out, undefined>, true>;
}

/** A kind for each option of an interface, of the type that the interface says. */
type Table<Options> = {
  readonly [K in keyof Options]-?: Kind<
    Exclude<Options[K], undefined>,
    unknown,
    undefined extends Options[K] ? false : true
  >;
};

/** What is read with a table: values that are checked, and defaults. */
type Values<T> = {
  readonly [K in keyof T]: T[K] extends { readonly fallback: infer Out } ? Out : never;
};

/** A table that has all options, and nothing else. */
export type Exactly<Options, T> = Table<Options> & {
  readonly [K in Exclude<keyof T, keyof Options>]: never;
};

/** Reads the options of a call; `fn` is what errors call it. */
export type Reader<Options, T> = (options: Options | undefined, fn?: string) => Values<T>;

type AnyKind = Kind<unknown, unknown, boolean>;
type AnyTable = Readonly<Record<string, AnyKind>>;

/**
 * Makes the reader of a function's options: `optionsOf<Options>()(name, table)`.
 * An option that the table lacks, or has as another type, does not compile.
 *
 * Take what it gives apart at once: the next call may reuse it.
 *
 * @param name The function's name in errors. Where several functions share a
 * reader, they give it their own names.
 */
export function optionsOf<Options extends object>() {
  return <T extends Exactly<Options, T>>(name: string, table: T): Reader<Options, T> => {
    // What is derived from the table waits for the first call: there are many tables, and
    // a program uses few.
    let names: readonly string[] | undefined;
    let kinds: readonly AnyKind[];
    let fallbacks: readonly unknown[];
    let defaults: Record<string, unknown>;
    // Where the stream stands that is by default the scope's, or -1.
    let streamAt: number;
    // One bit for each option that is checked although it is left out.
    let always: number;
    // Properties that are set by their names cost more than all else here. So what is read
    // comes as an object that looks into a list. A call takes the list for itself, as its
    // options may run code that makes another one.
    let values: unknown[] | undefined;
    let view: object;
    const prepare = (): readonly string[] => {
      const all = Object.keys(table);
      kinds = Object.values(table as unknown as AnyTable);
      fallbacks = kinds.map(({ fallback }) => fallback);
      defaults = Object.fromEntries(all.map((name, i) => [name, fallbacks[i]]));
      streamAt = kinds.findIndex(({ ofScope }) => ofScope);
      always = kinds.reduce((all, { required, anew }, i) => all | (+!!(required || anew) << i), 0);
      view = {};
      all.forEach((name, i) => {
        Object.defineProperty(view, name, { get: () => values?.[i], enumerable: true });
      });
      names = all;
      return all;
    };
    const read = (options: Options | undefined, fn = name): Values<T> => {
      const known = names ?? prepare();
      if (options === undefined && always === 0) {
        if (streamAt >= 0) {
          defaults["stream"] = currentStream();
        }
        return defaults as Values<T>;
      }
      const out = values ?? fallbacks.slice();
      values = undefined;
      // Each option is read once, and all of them before any is checked: a getter among
      // them is code of the user's, and a check may write to what calls share.
      const given = options === undefined ? 0 : readInto(out, options, known, kinds, fn);
      let objects = false;
      for (let i = 0; i < out.length; i++) {
        const isGiven = (given >>> i) & 1;
        let value = isGiven ? out[i] : fallbacks[i];
        if (isGiven || (always >>> i) & 1) {
          value = (kinds[i] as AnyKind).check(value, fn, known[i] as string);
          objects ||= typeof value === "object" || typeof value === "function";
        }
        out[i] = value;
      }
      if (streamAt >= 0 && ((given >>> streamAt) & 1) === 0) {
        out[streamAt] = currentStream();
      }
      if (objects) {
        // It would be kept alive.
        const copy = { ...defaults };
        known.forEach((name, i) => {
          copy[name] = out[i];
        });
        return copy as Values<T>;
      }
      values = out;
      return view as Values<T>;
    };
    return read;
  };
}

/** Reads the options that are there, and gives a bit for each. */
function readInto(
  out: unknown[],
  options: unknown,
  names: readonly string[],
  kinds: readonly AnyKind[],
  fn: string,
): number {
  const own = isPlain(options) ? options : copyOf(options, names, kinds, fn);
  let given = 0;
  for (const name in own) {
    // Tables are short.
    let i = 0;
    while (i < names.length && names[i] !== name) {
      i++;
    }
    if (i === names.length) {
      throw unknownOption(name, names, fn);
    }
    const value = own[name];
    if (value !== undefined) {
      out[i] = value;
      given |= 1 << i;
    }
  }
  return given;
}

/** The options that an object has in whatever way: as its own, or inherited. */
function copyOf(
  options: unknown,
  known: readonly string[],
  kinds: readonly AnyKind[],
  fn: string,
): Record<string, unknown> {
  checkNames(options, known, fn, kinds);
  const own = options as Record<string, unknown>;
  return Object.fromEntries(known.map((name) => [name, own[name]]));
}

/**
 * Whether all properties of an object are those that a loop goes through. V8 has an object's
 * constructor at hand, but calls a function for its prototype.
 */
function isPlain(x: unknown): x is Record<string, unknown> {
  return typeof x === "object" && x !== null && x.constructor === Object;
}

/**
 * Checks that options are a record without names that the function does not
 * know: a typo is never ignored.
 */
export function checkNames(
  options: unknown,
  known: readonly string[],
  fn: string,
  kinds: readonly AnyKind[] = [],
): void {
  let empty = true;
  if (
    typeof options === "object" &&
    options !== null &&
    // Their properties are no options.
    !isIdentified(options) &&
    !Array.isArray(options)
  ) {
    for (const name in options) {
      if (!known.includes(name)) {
        if (isRecord(options) || !kinds.some((kind) => takes(kind, options))) {
          throw unknownOption(name, known, fn);
        }
        // It is an option itself, such as a signal.
        empty = true;
        break;
      }
      empty = false;
    }
    // A Map, a Promise: an object of a class, without any option.
    if (!empty || isRecord(options)) {
      return;
    }
  }
  throw mismatch(fn, "options", spelling(options, known, kinds), options);
}

function unknownOption(name: string, known: readonly string[], fn: string): TypeError {
  const meant = nearest(name, known);
  const hint = meant === undefined ? "" : `; did you mean "${meant}"?`;
  return typeError(
    `[${fn}] options: expected ${known.join(", ")}, received an option "${name}"${hint}`,
  );
}

/** How a value that stands in the place of the options is to be written. */
function spelling(value: unknown, known: readonly string[], kinds: readonly AnyKind[]): string {
  const i = value === null ? -1 : kinds.findIndex((kind) => takes(kind, value));
  if (i < 0) {
    return `an object with ${known.join(", ")}`;
  }
  return `{ ${known[i]}: ${typeof value === "object" || typeof value === "function" ? "…" : describe(value)} }`;
}

function takes({ check }: AnyKind, value: unknown): boolean {
  try {
    check(value, "", "");
    return check !== later;
  } catch {
    return false;
  }
}
