/** Kinds of options that reach the addon as they are read: slots, lists and numbers of things. */
import type { array } from "../array/array.js";
import type { StreamOptions, StreamOrDevice } from "../device.js";
import type { Dtype } from "../dtype.js";
import {
  type Axes,
  dtypeId,
  type Operand,
  operand,
  optionalAxes,
  optionalAxis,
  optionalDtypeId,
  optionalSlot,
  streamOf,
} from "./arguments.js";
import { type Exactly, type Kind, kind, optionsOf, type Reader } from "./options.js";
import {
  type DtypeId,
  none,
  type OperandCode,
  type OptionalDtypeId,
  type OptionalList,
  type OptionalSlot,
  type StreamId,
} from "./wire.js";

export * from "./options.js";

/** The stream, by default that of the scope. Every operation has it, as its last option. */
export const onStream: Kind<StreamOrDevice, StreamId> = {
  check: (x, fn) => streamOf(x as StreamOrDevice | undefined, fn),
  fallback: undefined as unknown as StreamId,
  required: false,
  anew: true,
};

/** Makes the reader of an operation's options as {@link optionsOf} does, with `stream` beside those of the table. */
export function opOptions<Options extends StreamOptions>() {
  type Rest = Omit<Options, "stream">;
  return <T extends Exactly<Rest, T>>(name: string, table: T) =>
    optionsOf<StreamOptions>()(name, { ...table, stream: onStream }) as unknown as Reader<
      Options,
      T & { readonly stream: typeof onStream }
    >;
}

/** An array. */
export const slotOption = kind<array | null, OptionalSlot>(
  (x, fn, param) => optionalSlot(x as array | null, fn, param),
  none,
);

/** An array or a scalar. */
export const operandOption = kind<Operand | null, OperandCode | undefined>(
  (x, fn, param) => (x === null ? undefined : operand(x as Operand, fn, param)),
  undefined,
);

/** One axis, several, or all. */
export const axesOption = kind<Exclude<Axes, undefined>, OptionalList>(
  (x, fn, param) => optionalAxes(x as Axes, fn, param),
  none,
);

/** An integer, as a list of one. */
export const listed = kind<number | null, OptionalList>(
  (x, fn, param) => optionalAxis(x as number | null, fn, param),
  none,
);

/** A dtype; null is the default. */
export function dtypeOption(): Kind<Dtype | null, OptionalDtypeId>;
export function dtypeOption(fallback: Dtype): Kind<Dtype | null, DtypeId>;
export function dtypeOption(fallback?: Dtype): Kind<Dtype | null, OptionalDtypeId> {
  return fallback === undefined
    ? kind((x, fn, param) => optionalDtypeId(x as Dtype | null, fn, param), none)
    : kind((x, fn, param) => dtypeId((x ?? fallback) as Dtype, fn, param), fallback.id);
}
