/** The types of trees that go through models, optimizers and transformations of functions. */
import type { Module } from "../../nn/module.js";
import type { array } from "../array/array.js";
import type { treeLike } from "./tree.js";

/** Arrays in records and lists, in the shape of the module that has them. */
// biome-ignore lint/suspicious/noExplicitAny: a tree of any depth
export type ParameterTree = Record<string, any>;

/** What stands in a list or a record for what is no part of the tree. */
type Nothing = Record<string, never>;

type IsAny<T> = 0 extends 1 & T ? true : false;

type Callable = (...args: never[]) => unknown;

// Modules and owners are told by one member: to compare them as a whole, TypeScript
// would have to work out the trees of all modules inside.
type AnyModule = { readonly trainableParameters: unknown };
type AnyOwner = { readonly [treeLike]: boolean | string };

/** Objects whose fields are not looked at. */
type Opaque =
  | Callable
  | Date
  | RegExp
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | ArrayBufferView;

/**
 * Keeps the names of what belongs to a tree of a module: fields of its own, not
 * what all modules have, that may be branches or have the leaf's type.
 */
type Field<K, T, Leaf, Hidden> = K extends keyof Module | Hidden
  ? never
  : true extends IsField<T, Leaf>
    ? K
    : never;

// Of a union, whether each of its members is one.
type IsField<T, Leaf> =
  IsAny<T> extends true
    ? true
    : T extends Leaf
      ? true
      : // Sizes such as a convolution's have nothing to name.
        T extends array | Opaque | readonly number[]
        ? false
        : T extends object
          ? true
          : false;

/** Of a module without fields, such as `Module` itself, nothing is known. */
type OrUnknown<Names> = [Names] extends [never] ? ParameterTree : unknown;

/**
 * The parameters of a class of modules, as `parameters()` has them: of its public
 * fields those that are arrays, modules, or lists and records of them. Fields
 * that TypeScript calls `private` are parameters, too, but no type can name them.
 *
 * @example
 * class Model extends nn.Module {
 *   hidden = new nn.Linear(2, 3);
 *   scale = mx.array(2);
 * }
 * const { hidden, scale } = new Model().parameters(); // an nn.ParametersOf<Model>
 * [hidden.weight.shape, scale.shape]
 * // [ [ 3, 2 ], [] ]
 */
export type ParametersOf<M, Hidden extends string = `_${string}`> = {
  -readonly [K in keyof M as Field<K, M[K], array, Hidden>]: ParameterIn<M[K], Hidden, undefined>;
} & OrUnknown<{ [K in keyof M]: Field<K, M[K], array, Hidden> }[keyof M]>;

type ParameterIn<T, Hidden extends string, Else = Nothing> =
  IsAny<T> extends true
    ? T
    : T extends array
      ? T
      : T extends Opaque
        ? Else
        : T extends AnyOwner
          ? ParametersOf<T, Hidden>
          : T extends readonly unknown[]
            ? { -readonly [I in keyof T]: ParameterIn<T[I], Hidden> }
            : T extends object
              ? { -readonly [K in keyof T]: ParameterIn<T[K], Hidden> }
              : Else;

/** A tree of which any part may be missing. */
export type PartialTree<T> =
  IsAny<T> extends true
    ? T
    : T extends array
      ? T
      : T extends object
        ? { readonly [K in keyof T]?: PartialTree<T[K]> | undefined }
        : T;

/**
 * What may be given for a module's parameters: all of them or some. The first is
 * there for functions of any model, where TypeScript cannot compare the second.
 */
export type SomeParametersOf<M> = ParametersOf<M> | PartialTree<ParametersOf<M>>;

/** The modules that are fields of a module, as `children()` has them. */
export type ChildrenOf<M> = {
  -readonly [K in keyof M as Field<K, M[K], AnyModule, never>]: ChildIn<M[K], undefined>;
} & OrUnknown<{ [K in keyof M]: Field<K, M[K], AnyModule, never> }[keyof M]>;

type ChildIn<T, Else = Nothing> =
  IsAny<T> extends true
    ? T
    : T extends AnyModule
      ? T
      : T extends array | Opaque
        ? Else
        : T extends readonly unknown[]
          ? { -readonly [I in keyof T]: ChildIn<T[I]> }
          : T extends object
            ? { -readonly [K in keyof T]: ChildIn<T[K]> }
            : Else;

/** What may be given for the modules in a module: others, or what to change in them. */
export type SomeModulesOf<M> = ModulesIn<ChildrenOf<M>>;

type ModulesIn<T> =
  IsAny<T> extends true
    ? T
    : T extends AnyModule
      ? Module | SomeModulesOf<T>
      : T extends object
        ? { readonly [K in keyof T]?: ModulesIn<T[K]> | undefined }
        : T;
