import { mx } from "mlx-js";
import { describe, expect, test } from "vitest";

// biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
const any = (x: unknown): any => x;

const gpu = mx.isAvailable(mx.gpu);
const metal = gpu && process.platform === "darwin";
const cuda = gpu && process.platform === "linux";

const call = (a: mx.array): mx.fast.KernelCall => ({
  inputs: [a],
  template: [["T", mx.float32]],
  grid: [a.size, 1, 1],
  threadgroup: [256, 1, 1],
  outputShapes: [a.shape],
  outputDtypes: [a.dtype],
});

const metalSource = `
  uint elem = thread_position_in_grid.x;
  T tmp = inp[elem];
  out[elem] = metal::exp(tmp);
`;
const cudaSource = `
  auto elem = cooperative_groups::this_grid().thread_rank();
  T tmp = inp[elem];
  out[elem] = exp(tmp);
`;

const make = (options?: mx.fast.MetalKernelOptions) =>
  mx.fast.metalKernel("myexp", ["inp"], ["out"], metalSource, options);

function caught(run: () => unknown): Error {
  try {
    run();
  } catch (error) {
    return error as Error;
  }
  throw new Error("nothing was thrown");
}

describe("without a GPU", () => {
  test.skipIf(metal)("Metal's kernels can be made, and say that they cannot run", () => {
    expect(() => make()(call(mx.array([1, 2])))).toThrow("[metal_kernel] No Metal back-end.");
  });

  test.skipIf(cuda)("CUDA's kernels cannot be made", () => {
    const text = "[cuda_kernel] No CUDA back-end.";
    expect(() => mx.fast.cudaKernel("myexp", ["inp"], ["out"], cudaSource)).toThrow(text);
    expect(() =>
      mx.fast.precompiledCudaKernel({
        name: "kernel",
        compiledSource: new Uint8Array(4),
        inputs: [mx.array([1]), 2],
        outputShapes: [[1]],
        outputDtypes: [mx.float32],
        scalars: [1, 2.5, true],
        grid: [1, 1, 1],
        threadgroup: [1, 1, 1],
      }),
    ).toThrow(text);
  });

  // MLX notes kernels in graphs that are exported, wherever that is.
  test.skipIf(metal)("what a Metal kernel is made of", () => {
    const state = (kernel: mx.fast.Kernel, options: Partial<mx.fast.KernelCall>) => {
      let found: readonly mx.ExportedState[] = [];
      mx.exportFunction(
        (step) => {
          if (step.type === "primitive" && step.name === "CustomKernel") {
            found = step.arguments;
          }
        },
        (a) => kernel({ ...call(a), ...options }),
        [mx.zeros([2, 3])],
      );
      return found;
    };
    const [name, source, ...rest] = state(make({ header: "// before\n" }), {
      template: [
        ["T", mx.float16],
        ["N", -3],
        ["flag", true],
      ],
      grid: [6, 5, 4],
      threadgroup: [3, 2, 1],
    });
    expect(name).toBe("custom_kernel_myexp__float16_t__3_1_floatc_float");
    expect(source).toMatch(/^\/\/ before\ntemplate <typename T, int N, bool flag>/);
    expect(source).toContain(metalSource);
    // The grid, the threadgroup, whether to make inputs contiguous, and so on.
    expect(rest.slice(0, 6)).toEqual([6, 5, 4, 3, 2, 1]);
    expect(rest).toContain(true);

    const other = mx.fast.metalKernel(
      "other",
      ["a", "b"],
      ["sum", "count"],
      "sum[0] = a[0] + b_shape[0];",
      { ensureRowContiguous: false, atomicOutputs: true, compileOptions: { mathMode: "fast" } },
    );
    const [, text, ...more] = state(other, {
      inputs: [mx.zeros([9], mx.int32), 1.5],
      outputShapes: [[2], []],
      outputDtypes: [mx.uint32, mx.bfloat16],
      template: undefined,
    });
    expect(text).toContain("const device int32_t* a ");
    expect(text).toContain("const constant float& b ");
    expect(text).toContain("device atomic<uint32_t>* sum ");
    expect(text).toContain("device atomic<bfloat16_t>* count ");
    expect(more.at(-1)).toBe(2);
  });

  test("the outputs' shapes and dtypes", () => {
    let outputs: mx.ExportedArray[] = [];
    const kernel = mx.fast.metalKernel("two", ["a"], ["b", "c"], "b[0] = a[0]; c[0] = a[0];");
    mx.exportFunction(
      (step) => {
        outputs = step.type === "outputs" ? step.outputs : outputs;
      },
      (a) =>
        kernel({
          ...call(a),
          outputShapes: [[4, 5], []],
          outputDtypes: [mx.int8, mx.complex64],
        }),
      [mx.zeros([2])],
    );
    expect(outputs.map(([, shape, dtype]) => [shape, dtype])).toEqual([
      [[4, 5], mx.int8],
      [[], mx.complex64],
    ]);
  });
});

describe("errors", () => {
  const a = mx.array([1, 2, 3]);

  test("MLX's own", () => {
    expect(() => mx.fast.metalKernel("none", ["a"], [], "")).toThrow(
      "[metal_kernel] Must specify at least one output.",
    );
    const kernel = make();
    const wrong: [Partial<mx.fast.KernelCall>, string][] = [
      [{ inputs: [] }, "[metal_kernel] Expected `inputs` to have size 1 but got size 0."],
      [{ outputShapes: [] }, "[metal_kernel] Expected `output_shapes` to have size 1"],
      [
        { outputDtypes: [mx.int8, mx.int8] },
        "[metal_kernel] Expected `output_dtypes` to have size 1 but got size 2.",
      ],
    ];
    for (const [options, text] of wrong) {
      expect(() => kernel({ ...call(a), ...options })).toThrow(text);
    }
  });

  test("wrong kernels", () => {
    const wrong: [() => unknown, string][] = [
      [
        () => mx.fast.metalKernel(any(1), ["a"], ["b"], ""),
        "[fast.metalKernel] name: expected a string, received 1",
      ],
      [
        () => mx.fast.metalKernel("k", any("a"), ["b"], ""),
        '[fast.metalKernel] inputNames: expected a list of names, received "a"',
      ],
      [
        () => mx.fast.metalKernel("k", ["a"], any([1]), ""),
        "[fast.metalKernel] outputNames[0]: expected a string, received 1",
      ],
      [() => make(any({ heder: "" })), 'received an option "heder"'],
      [() => make(any({ atomicOutputs: 1 })), "[fast.metalKernel] atomicOutputs: expected a"],
      [
        () => make(any({ compileOptions: { mathMode: "slow" } })),
        '[fast.metalKernel] mathMode: expected "safe", "relaxed" or "fast"',
      ],
      [
        () => mx.fast.cudaKernel("k", ["a"], ["b"], any(null)),
        "[fast.cudaKernel] source: expected a string, received null",
      ],
      [
        () => mx.fast.precompiledCudaKernel(any({ name: "k", compiledSource: 1 })),
        "[fast.precompiledCudaKernel] compiledSource: expected bytes or a text, received 1",
      ],
    ];
    for (const [run, text] of wrong) {
      const error = caught(run);
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toContain(text);
    }
    const memory = { sharedMemory: -1 };
    const error = caught(() => mx.fast.cudaKernel("k", ["a"], ["b"], "", memory));
    expect(error).toBeInstanceOf(RangeError);
    expect(error.message).toContain(
      "sharedMemory: expected an integer that is not negative, received -1",
    );
  });

  test("wrong calls", () => {
    const pairs = "pairs of a name and a dtype, a 32-bit integer or a boolean";
    const wrong: [object, ErrorConstructor, string][] = [
      [{ inputs: a }, TypeError, "inputs: expected a list of arrays and scalars"],
      [{ inputs: ["a"] }, TypeError, 'inputs[0]: expected an array or a scalar, received "a"'],
      [{ outputShapes: [3] }, TypeError, "outputShapes[0]: expected a shape, received 3"],
      [{ outputShapes: [[-1]] }, TypeError, "outputShapes[0]: expected a shape, received [ -1 ]"],
      [{ outputDtypes: ["int8"] }, TypeError, "outputDtypes[0]: expected a dtype"],
      [{ grid: [1, 1] }, TypeError, "grid: expected three integers, received [ 1, 1 ]"],
      [{ grid: [0, 1, 1] }, RangeError, "grid: expected three positive 32-bit integers"],
      [{ threadgroup: [1, 1.5, 1] }, TypeError, "threadgroup: expected three integers"],
      [{ threadgroup: [1, 2 ** 31, 1] }, RangeError, "threadgroup: expected three positive"],
      [{ threadgroup: undefined }, TypeError, "threadgroup: expected three integers"],
      [{ template: [["T", 1.5]] }, TypeError, `template: expected ${pairs}, received [ 'T', 1.5 ]`],
      [{ template: [["T", 2 ** 31]] }, TypeError, `template: expected ${pairs}`],
      [{ template: { T: mx.int8 } }, TypeError, `template: expected ${pairs}`],
      [{ initValue: "0" }, TypeError, "initValue: expected a number"],
      [{ verbose: 1 }, TypeError, "verbose: expected a boolean"],
      [{ outputs: [] }, TypeError, 'received an option "outputs"'],
    ];
    for (const [options, type, text] of wrong) {
      const error = caught(() => make()(any({ ...call(a), ...options })));
      expect(error).toBeInstanceOf(type);
      expect(error.message).toContain(
        `[fast.metalKernel] ${text.startsWith("received") ? "" : text}`,
      );
      expect(error.message).toContain(text);
    }
    expect(() => make()(any(undefined))).toThrow("[fast.metalKernel] inputs: expected a list");
    expect(() =>
      mx.fast.precompiledCudaKernel(
        any({ ...call(a), template: undefined, name: "k", compiledSource: "" }),
      ),
    ).toThrow('received an option "template"');
  });

  test("kernels are for the GPU", () => {
    expect(() => make()({ ...call(a), stream: mx.cpu })).toThrow(
      metal ? "[metal_kernel] Only supports the GPU." : "[metal_kernel] No Metal back-end.",
    );
  });
});

const a = mx.array([
  [0, 1, -1],
  [0.5, 2, -3],
]);
const expectExp = (b: mx.array | undefined) => {
  expect(b?.dtype).toBe(mx.float32);
  expect(mx.allclose(b as mx.array, mx.exp(a)).item()).toBe(true);
};

describe.runIf(metal)("with Metal", () => {
  test("the exponential function", () => {
    const [b] = make()({ ...call(a), stream: mx.gpu });
    expectExp(b);
    const transposed = make()({ ...call(mx.transpose(a)), stream: mx.gpu })[0] as mx.array;
    expect(mx.allclose(transposed, mx.exp(mx.transpose(a))).item()).toBe(true);
  });

  test("initial values, and templates of integers and booleans", () => {
    const kernel = mx.fast.metalKernel(
      "some",
      ["a"],
      ["out"],
      "uint i = thread_position_in_grid.x; if (flag && i < N) out[i] = a[i];",
    );
    const [out] = kernel({
      inputs: [mx.array([1, 2, 3, 4])],
      template: [
        ["N", 2],
        ["flag", true],
      ],
      grid: [4, 1, 1],
      threadgroup: [4, 1, 1],
      outputShapes: [[4]],
      outputDtypes: [mx.float32],
      initValue: -1,
      stream: mx.gpu,
    });
    expect(out?.tolist()).toEqual([1, 2, -1, -1]);
  });
});

describe.runIf(cuda)("with CUDA", () => {
  test("the exponential function", () => {
    const kernel = mx.fast.cudaKernel("myexp", ["inp"], ["out"], cudaSource);
    const six = { ...call(a), threadgroup: [6, 1, 1] as const };
    expectExp(kernel({ ...six, stream: mx.gpu })[0]);
    expect(() => kernel({ ...six, stream: mx.cpu })).toThrow(
      "[custom_kernel] Only supports the GPU.",
    );
  });
});
