/** A conversation with a language model that has a tool: it lets a function calculate. */
import { ChatSession, type Message, type TextModel, type Tool, type ToolCall } from "mlx-js-lm";

const operations: Record<string, (a: number, b: number) => number> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / b,
};

interface Sum {
  a: number;
  operation: string;
  b: number;
}

export const calculate = {
  name: "calculate",
  description: "The sum, difference, product or quotient of two numbers.",
  parameters: {
    type: "object",
    properties: {
      a: { type: "number" },
      operation: { enum: Object.keys(operations) },
      b: { type: "number" },
    },
    required: ["a", "operation", "b"],
  },
  run: ({ a, operation, b }: Sum): number | undefined => operations[operation]?.(a, b),
} satisfies Tool;

/** Finds `calculate(12 + 30)`. Larger models say it in tags, which need no such function. */
export function parseToolCalls(text: string): ToolCall[] {
  return [...text.matchAll(/calculate\((\d+) ([-+*/]) (\d+)\)/g)].map(([, a, operation, b]) => ({
    name: calculate.name,
    arguments: { a: Number(a), operation, b: Number(b) },
  }));
}

/** A small model learns by example when to ask for the tool, and how: messages to begin with. */
function example(question: string, call: string, result: number): Message[] {
  return [
    { role: "user", content: question },
    { role: "assistant", content: `calculate(${call})` },
    { role: "tool", content: String(result) },
    { role: "assistant", content: `The result is ${result}` },
  ];
}

export const examples: readonly Message[] = [
  ...example("What is 12 plus 30?", "12 + 30", 42),
  { role: "user", content: "Who wrote Hamlet?" },
  { role: "assistant", content: "William Shakespeare." },
  ...example("What is 7 times 8?", "7 * 8", 56),
  { role: "user", content: "What is the largest ocean?" },
  { role: "assistant", content: "The Pacific Ocean." },
  ...example("Subtract 5 from 104.", "104 - 5", 99),
  ...example("How much is 1000 divided by 8?", "1000 / 8", 125),
];

/** Answers one question after another; `write` gets the answers as they come, a piece at a time. */
export async function converse(
  model: TextModel,
  questions: AsyncIterable<string> | Iterable<string>,
  write: (text: string) => void,
): Promise<void> {
  using chat = new ChatSession(model, { tools: [calculate], parseToolCalls, maxTokens: 200 });
  let before = examples;
  for await (const question of questions) {
    for await (const { text, finishReason } of chat.send([
      ...before,
      { role: "user", content: question },
    ])) {
      write(finishReason === null ? text : `${text}\n`);
    }
    before = [];
  }
}
