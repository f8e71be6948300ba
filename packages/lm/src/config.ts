import { failure } from "./errors.js";

function shown(value: unknown): string {
  return value === undefined ? "nothing" : (JSON.stringify(value) ?? String(value));
}

function isNumber(x: unknown): x is number {
  return typeof x === "number" && Number.isFinite(x);
}

/**
 * The settings of a model, as its `config.json` has them. Each is asked for with the kind that it
 * has to be; what is missing or of another kind is an error that names the file and the setting.
 */
export class Config {
  /** The settings as they are in the file. */
  readonly values: Readonly<Record<string, unknown>>;
  /** Where they come from. */
  readonly source: string;

  constructor(values: unknown, source: string) {
    if (typeof values !== "object" || values === null || Array.isArray(values)) {
      throw failure("ERR_MLX_LM_MODEL", `${source}: expected a record of settings`);
    }
    this.values = values as Record<string, unknown>;
    this.source = source;
  }

  #get<T>(name: string, kind: string, is: (x: unknown) => x is T, fallback: T | undefined): T {
    const value = this.values[name] ?? fallback;
    if (!is(value)) {
      throw failure(
        "ERR_MLX_LM_MODEL",
        `${this.source}: expected ${name} to be ${kind}, received ${shown(value)}`,
      );
    }
    return value;
  }

  /** A positive integer. */
  count(name: string, fallback?: number): number {
    const is = (x: unknown): x is number => isNumber(x) && Number.isSafeInteger(x) && x > 0;
    return this.#get(name, "a positive integer", is, fallback);
  }

  /** How many layers there are: no more than any model has, since each is made before a weight is read. */
  depth(name: string): number {
    const most = 10_000;
    const is = (x: unknown): x is number =>
      isNumber(x) && Number.isInteger(x) && x > 0 && x <= most;
    return this.#get(name, `a positive integer of at most ${most}`, is, undefined);
  }

  number(name: string, fallback?: number): number {
    return this.#get(name, "a number", isNumber, fallback);
  }

  /** A number above 0. */
  positive(name: string, fallback?: number): number {
    const is = (x: unknown): x is number => isNumber(x) && x > 0;
    return this.#get(name, "a number above 0", is, fallback);
  }

  flag(name: string, fallback?: boolean): boolean {
    const is = (x: unknown): x is boolean => typeof x === "boolean";
    return this.#get(name, "true or false", is, fallback);
  }

  text(name: string, fallback?: string): string {
    const is = (x: unknown): x is string => typeof x === "string";
    return this.#get(name, "a text", is, fallback);
  }

  numbers(name: string, fallback?: readonly number[]): readonly number[] {
    const is = (x: unknown): x is readonly number[] => Array.isArray(x) && x.every(isNumber);
    return this.#get(name, "a list of numbers", is, fallback);
  }

  texts(name: string, fallback?: readonly string[]): readonly string[] {
    const is = (x: unknown): x is readonly string[] =>
      Array.isArray(x) && x.every((item) => typeof item === "string");
    return this.#get(name, "a list of texts", is, fallback);
  }

  /** Settings within the settings; undefined where there are none. */
  part(name: string): Config | undefined {
    const value = this.values[name];
    return value === undefined || value === null
      ? undefined
      : new Config(value, `${this.source}, ${name}`);
  }

  has(name: string): boolean {
    return this.values[name] !== undefined && this.values[name] !== null;
  }

  /** Refuses a setting that is given, and is another than the one that is known here. */
  expect(name: string, value: number | boolean | string): void {
    const is = (x: unknown): x is typeof value => x === value;
    this.#get(name, `${JSON.stringify(value)}, the only one known here`, is, value);
  }

  /** These settings, with others in their place. */
  with(values: Readonly<Record<string, unknown>>): Config {
    return new Config({ ...this.values, ...values }, this.source);
  }

  /** These settings, and others where there are none. */
  withDefaults(values: Readonly<Record<string, unknown>>): Config {
    const given = Object.entries(this.values).filter(([name]) => this.has(name));
    return new Config({ ...this.values, ...values, ...Object.fromEntries(given) }, this.source);
  }

  /** One of a few texts. */
  oneOf<T extends string>(name: string, known: readonly T[], fallback?: T): T {
    const is = (x: unknown): x is T => known.some((text) => text === x);
    const kinds = known.map((text) => JSON.stringify(text));
    return this.#get(name, `one of ${kinds.join(", ")}`, is, fallback);
  }
}
