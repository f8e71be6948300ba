/**
 * What goes between the page, the main process and the model's process: tasks
 * that are started, tell how they get on, can be cancelled, and end with a result
 * or an error. Each side checks what arrives.
 */
import { z } from "zod";

const positions = z.enum(["alibi", "sinusoidal"]);
/** Also one that is not finite: models can diverge. */
const figure = z.number().or(z.nan()).or(z.literal(Number.POSITIVE_INFINITY));
const whole = (low: number, high: number) => z.number().int().min(low).max(high);

const message = z.strictObject({ role: z.enum(["user", "assistant"]), content: z.string() });
export type Message = z.infer<typeof message>;

/**
 * The tasks: what each takes, tells on its way, and gives in the end. Another is
 * one more entry here and in model/tasks.ts.
 */
export const tasks = {
  train: {
    input: z.strictObject({
      /** Training steps of each model. */
      steps: whole(1, 100_000),
      /** Characters that are read at a time in training. */
      length: whole(8, 128),
      /** How many characters are read afterwards, for each number that is read at a time. */
      read: whole(1024, 65_536),
      seed: whole(0, Number.MAX_SAFE_INTEGER),
    }),
    progress: z.discriminatedUnion("stage", [
      z.object({ stage: z.literal("training"), positions, step: z.number(), loss: figure }),
      z.object({ stage: z.literal("reading"), positions, length: z.number(), perplexity: figure }),
    ]),
    result: z.object({ device: z.string(), seconds: z.number() }),
  },
  chat: {
    input: z.strictObject({
      /** A GGUF file, a folder with a model, or a name on the Hugging Face Hub. */
      model: z.string().trim().min(1, "There is no model."),
      /** The whole conversation. The last message is what is answered. */
      messages: z.array(message).min(1),
    }),
    progress: z.discriminatedUnion("stage", [
      z.object({ stage: z.literal("loading"), done: z.number() }),
      z.object({ stage: z.literal("answering"), text: z.string() }),
    ]),
    result: z.object({
      finishReason: z.enum(["stop", "length"]),
      tokens: z.number(),
      perSecond: z.number(),
    }),
  },
};

export type Positions = z.infer<typeof positions>;
export type TaskName = keyof typeof tasks;

/** The types of a task's values. */
export type Task<Name extends TaskName> = {
  [Part in keyof (typeof tasks)[Name]]: z.infer<(typeof tasks)[Name][Part]>;
};

type Schemas = {
  readonly [Name in TaskName]: {
    readonly [Part in keyof Task<Name>]: z.ZodType<Task<Name>[Part]>;
  };
};

/** What checks the values of each task. */
export const schemas: Schemas = tasks;

export function isTask(name: string): name is TaskName {
  return Object.hasOwn(tasks, name);
}

const id = z.string().min(1);

/** What the page asks for. A task's id is its own as long as it runs. */
export const request = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("start"), id, task: z.string(), input: z.unknown() }),
  z.strictObject({ type: z.literal("cancel"), id }),
]);
export type Request = z.infer<typeof request>;

/** What the main process says to the model's. */
export const order = z.discriminatedUnion("type", [
  ...request.options,
  z.strictObject({ type: z.literal("quit") }),
]);

const code = z.enum([
  // There is no such task, or its input is not as it should be.
  "bad-request",
  // The same task is running already.
  "busy",
  "cancelled",
  // The model's process is no more.
  "ended",
  // The task has thrown.
  "failed",
]);
export type ErrorCode = z.infer<typeof code>;

/** What is said of a task: progress any number of times, then one of the others. */
export const reply = z.discriminatedUnion("type", [
  z.object({ type: z.literal("progress"), id, progress: z.unknown() }),
  z.object({ type: z.literal("done"), id, result: z.unknown() }),
  z.object({ type: z.literal("failed"), id, error: z.object({ code, message: z.string() }) }),
]);
export type Reply = z.infer<typeof reply>;

/** Why a task has no result. */
export class TaskError extends Error {
  override readonly name = "TaskError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Any error, as it goes in a reply. */
export function failed(id: string, error: unknown): Reply {
  const code = error instanceof TaskError ? error.code : "failed";
  const message = error instanceof Error ? error.message : String(error);
  return { type: "failed", id, error: { code, message } };
}
