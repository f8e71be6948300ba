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
import { type Exactly, type Kind, kind, optional, optionsOf, type Reader } from "./options.js";
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
  ofScope: true,
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
export const slotOption = kind<array | null, OptionalSlot>(optionalSlot, none);

/** An array or a scalar. */
export const operandOption = optional(kind<Operand, OperandCode>(operand));

/** One axis, several, or all. */
export const axesOption = kind<Exclude<Axes, undefined>, OptionalList>(optionalAxes, none);

/** An integer, as a list of one. */
export const listed = kind<number | null, OptionalList>(optionalAxis, none);

/** A dtype; null is the default. */
export function dtypeOption(): Kind<Dtype | null, OptionalDtypeId>;
export function dtypeOption(fallback: Dtype): Kind<Dtype | null, DtypeId>;
export function dtypeOption(fallback?: Dtype): Kind<Dtype | null, OptionalDtypeId> {
  return fallback === undefined
    ? kind<Dtype | null, OptionalDtypeId>(optionalDtypeId, none)
    : kind((x, fn, param) => dtypeId(x ?? fallback, fn, param), fallback.id);
}
