/** The types of trees that go through models, optimizers and transformations of functions. */
import type { Module } from "../../nn/module.js";
import type { TreeOf } from "../../utils/tree.js";
import type { array } from "../array/array.js";
import type { Scalar } from "../array/stand-in.js";
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
export type AnyOwner =
  | { readonly [treeLike]: boolean | string }
  // An optimizer is an owner, too, and no tree.
  | { readonly [treeLike]: unknown; readonly applyGradients?: undefined };

/** Objects whose fields are not looked at. */
type Opaque =
  | Callable
  | PromiseLike<unknown>
  | Iterator<unknown>
  | AsyncIterator<unknown>
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

/** Nothing is known of a module without fields, such as `Module` itself. */
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
} & OrUnknown<{ [K in keyof M]-?: Field<K, M[K], array, Hidden> }[keyof M]>;

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
              ? { -readonly [K in keyof T]: ParameterIn<T[K], Hidden, Missing<T, K>> }
              : Else;

/** What an optional part is that is no part of the tree: missing, too. */
type Missing<T, K extends keyof T> = T extends Required<Pick<T, K>> ? Nothing : undefined;

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
 * What may be given for a module's parameters: all of them or some. The first and what `treeMap`
 * makes of it are there for functions of any model, where TypeScript cannot compare the last.
 */
export type SomeParametersOf<M> =
  | ParametersOf<M>
  | TreeOf<ParametersOf<M>, array>
  | PartialTree<ParametersOf<M>>;

/** The modules that are fields of a module, as `children()` has them. */
export type ChildrenOf<M> = {
  -readonly [K in keyof M as Field<K, M[K], AnyModule, never>]: ChildIn<M[K], undefined>;
} & OrUnknown<{ [K in keyof M]-?: Field<K, M[K], AnyModule, never> }[keyof M]>;

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
            ? { -readonly [K in keyof T]: ChildIn<T[K], Missing<T, K>> }
            : Else;

/** Modules in records and lists, for those of a module of which nothing is known. */
type SomeModules =
  | Module
  | { readonly [name: string]: SomeModules | undefined }
  | readonly (SomeModules | undefined)[];

/** What may be given for the modules in a module: others, or what to change in them. */
export type SomeModulesOf<M> = ModulesIn<ChildrenOf<M>>;

type ModulesIn<T> =
  IsAny<T> extends true
    ? SomeModules
    : T extends AnyModule
      ? Module | SomeModulesOf<T>
      : T extends object
        ? { readonly [K in keyof T]?: ModulesIn<T[K]> | undefined }
        : T;

/** What functions give that give nothing. */
type None = ReturnType<() => void>;

type Primitive = string | number | boolean | bigint | symbol | null;

/**
 * What comes back for an argument that is differentiated: a tree of the same
 * shape. A module's has all of its arrays.
 */
export type GradientOf<T> = unknown extends T
  ? T
  : [array | number] extends [T]
    ? array
    : T extends array
      ? T
      : T extends Primitive | undefined
        ? never
        : T extends AnyOwner
          ? ParametersOf<T, never>
          : { [K in keyof T]: GradientOf<T[K]> };

/** The arrays and branches of a type, and nothing in place of other things. */
type TreeOnly<T> = unknown extends T
  ? T
  : T extends array | AnyOwner | undefined
    ? T
    : T extends Primitive | Opaque
      ? never
      : { [K in keyof T]: TreeOnly<T[K]> };

// A parameter that a function lacks is undefined to TypeScript, as is a result that it does not give.
type IsTree<T> = [array] extends [T]
  ? true
  : [T] extends [never]
    ? true
    : [T] extends [None]
      ? false
      : T extends undefined
        ? true
        : T extends TreeOnly<T>
          ? true
          : false;

/** Whether arguments may be arrays or trees of arrays, all of them; other members of unions do not matter. */
type AreTrees<Arguments extends readonly unknown[]> = false extends {
  [I in keyof Arguments]: true extends IsTree<Arguments[I]> ? true : false;
}[number]
  ? false
  : true;

/** Anything. Its lists tell TypeScript that a list written as a result, `[loss, accuracy]`, has as many elements. */
// biome-ignore lint/complexity/noBannedTypes: all that is neither null nor undefined
type Anything = {} | null | undefined | None | [] | [Anything, ...Anything[]];

// biome-ignore lint/suspicious/noExplicitAny: any function of any arguments
export type AnyFunction = (...args: any[]) => Anything;

/** The arguments of a function at some positions; at one from the end, any of them. */
export type Picked<F extends AnyFunction, N> = N extends readonly number[]
  ? { -readonly [I in keyof N]: N[I] extends number ? Parameters<F>[N[I]] : never }
  : N extends number
    ? Parameters<F>[N]
    : never;

/**
 * Refuses what cannot be transformed or evaluated, with a type that says why: it is the rest of a
 * parameter's type, `F & Accepts<…>`. Where `F` is not known yet, in a function that is generic
 * itself, TypeScript takes it, since to ask for `never` is to ask for what no type can become.
 */
type Accepts<Good extends boolean, Reason extends string> = [
  [Good] extends [true] ? true : never,
] extends [never]
  ? Reason
  : unknown;

/** For functions that are differentiated by arguments at some positions. */
export type Differentiable<F extends AnyFunction, N, Result> = Accepts<
  AreTrees<N extends readonly number[] ? Picked<F, N> : [Picked<F, N>]>,
  "What is differentiated has to be an array or a tree of arrays."
> &
  Gives<F, Result>;

/** For functions that give a scalar, with other things if the result has a place for them. */
export type Gives<F extends AnyFunction, Result> = Accepts<
  [ReturnType<F>] extends [never]
    ? true
    : unknown extends ReturnType<F>
      ? true
      : [ReturnType<F>] extends [None]
        ? false
        : [ReturnType<F>] extends [Result | undefined]
          ? true
          : false,
  "What is differentiated has to give a scalar array."
>;

/** For functions that are mapped over arrays. */
export type Mappable<F extends AnyFunction> = Accepts<
  AreTrees<Parameters<F>>,
  "What is mapped has to take arrays or trees of arrays."
> &
  Accepts<AreTrees<[ReturnType<F>]>, "What is mapped has to give arrays or trees of arrays.">;

/**
 * `true` for what may have arrays somewhere, `never` for what surely has none. What has methods may
 * be of a class that has more than its type says.
 */
type Holding<T, Depth extends readonly unknown[] = []> = unknown extends T
  ? true
  : T extends array | AnyOwner | Callable | null | undefined
    ? true
    : T extends Primitive | Opaque
      ? never
      : Depth["length"] extends 4
        ? true
        : HoldingAny<T extends readonly unknown[] ? T[number] : T[keyof T], Depth>;

// What has nothing in it has nothing that would be left out.
type HoldingAny<Parts, Depth extends readonly unknown[]> = [Parts] extends [never]
  ? true
  : Holding<Parts, [...Depth, 0]>;

/** Arguments that are evaluated, each of which has to hold arrays. */
export type Evaluated<Arguments extends readonly unknown[]> = {
  readonly [I in keyof Arguments]: Arguments[I] &
    Accepts<
      [true] extends [Holding<Arguments[I]>] ? true : false,
      "What is evaluated has to hold arrays."
    >;
};

/** Whether a result can have arrays, in part or as a whole. */
type MayHaveArrays<T> = [T] extends [never]
  ? true
  : unknown extends T
    ? true
    : [T] extends [Scalar | Primitive | None | Opaque]
      ? false
      : true;

/** For functions whose results are computed again. */
export type Checkpointable<F extends AnyFunction> = Accepts<
  MayHaveArrays<ReturnType<F>>,
  "What is computed again has to give arrays or trees of them."
>;

// Modules are read as state, from the option `inputs`.
type IsOpaque<T> = unknown extends T
  ? false
  : [T] extends [Opaque | { readonly [treeLike]: unknown }]
    ? true
    : false;

/** Whether none of some arguments is an object that trees do not look into. */
type AreClear<Arguments extends readonly unknown[]> = true extends {
  [I in keyof Arguments]: IsOpaque<Arguments[I]>;
}[number]
  ? false
  : true;

/** For functions that are compiled. They may be there for what they change, and give nothing. */
export type Compilable<F extends AnyFunction> = Accepts<
  AreClear<Parameters<F>>,
  "What is compiled has to take arrays, constants or trees of them."
> &
  Accepts<
    [ReturnType<F>] extends [None] ? true : MayHaveArrays<ReturnType<F>>,
    "What is compiled has to give arrays or trees of them."
  >;
