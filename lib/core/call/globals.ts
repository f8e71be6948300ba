/**
 * What the runtime has, for programs whose types know of neither Node nor a
 * browser. Where they do, these are their own types.
 */

/** The type of a class of the runtime's, or what is needed of it. */
type Global<Name extends string, Needed> = typeof globalThis extends {
  [name in Name]: { prototype: infer T };
}
  ? T
  : Needed;

/** `AbortSignal`. */
export type Signal = Global<
  "AbortSignal",
  {
    readonly aborted: boolean;
    readonly reason: unknown;
    addEventListener(type: "abort", listener: () => void): void;
    removeEventListener(type: "abort", listener: () => void): void;
  }
>;

/** `URL`. */
export type Url = Global<"URL", { readonly href: string; readonly protocol: string }>;
