import { mx, optim } from "mlx-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadDigits } from "../../examples/digits/data.mjs";
import { Classifier, trainEpoch } from "../../examples/digits/train.mjs";
import { type Answer, buildServer } from "../../examples/server/server.mjs";

const digits = loadDigits("examples/digits/digits.npz");
mx.random.seed(3);
const model = new Classifier();
const server = buildServer(model);
let address = "";

beforeAll(async () => {
  await trainEpoch(model, new optim.Adam(1e-2), digits.train, 0);
  address = await server.listen({ port: 0, host: "127.0.0.1" });
});

afterAll(() => server.close());

function ask(body: string, type = "application/json"): Promise<Response> {
  return fetch(`${address}/predict`, { method: "POST", headers: { "content-type": type }, body });
}

async function read(reply: Response): Promise<Answer> {
  return JSON.parse(await reply.text());
}

const pixels = digits.test.images.multiply(16).tolist<number[][]>();

test("answers hundreds at once, each with its own digit", async () => {
  const odds = mx.softmax(model.forward(digits.test.images), -1);
  const digit = odds.argmax(-1).tolist<number[]>();
  const probability = odds.max(-1).tolist<number[]>();
  const before = mx.memory().arrays;
  const replies = await Promise.all(pixels.map((row) => ask(JSON.stringify({ pixels: row }))));
  expect(replies.map(({ status }) => status)).toEqual(pixels.map(() => 200));
  const answers = await Promise.all(replies.map(read));
  expect(answers.map((answer) => answer.digit)).toEqual(digit);
  answers.forEach((answer, i) => {
    expect(answer.probability).toBeCloseTo(probability[i] ?? Number.NaN, 5);
  });
  // None are left of 297 answers. The collector may have found others meanwhile.
  expect(mx.memory().arrays).toBeLessThanOrEqual(before);
  // Most digits are read rightly, so the answers are not one and the same.
  const labels = digits.test.labels.tolist<number[]>();
  const right = answers.filter((answer, i) => answer.digit === labels[i]).length;
  expect(right / labels.length).toBeGreaterThan(0.7);
});

const good = Array.from({ length: 64 }, (_, i) => i % 17);

test.each([
  ["no JSON", "{", 400],
  ["nothing", "", 400],
  ["no record", "[]", 400],
  ["no pixels", "{}", 400],
  ["pixels that are null", '{"pixels":null}', 400],
  ["too few pixels", JSON.stringify({ pixels: good.slice(1) }), 400],
  ["too many pixels", JSON.stringify({ pixels: [...good, 0] }), 400],
  ["text for a number", JSON.stringify({ pixels: ["3", ...good.slice(1)] }), 400],
  ["a list for a number", JSON.stringify({ pixels: [[3], ...good.slice(1)] }), 400],
  ["a pixel that is too dark", JSON.stringify({ pixels: [16.5, ...good.slice(1)] }), 400],
  ["infinity", JSON.stringify({ pixels: good }).replace("[0", "[-1e999"), 400],
  ["another name", JSON.stringify({ pixels: good, pixles: good }), 400],
  ["too much", JSON.stringify({ pixels: Array.from({ length: 1e6 }, () => 0) }), 413],
])("%s is refused", async (_, body, status) => {
  const reply = await ask(body);
  expect(reply.status).toBe(status);
  expect(await reply.json()).toMatchObject({ statusCode: status });
});

test("other types, methods and addresses are refused", async () => {
  expect((await ask("pixels=1", "application/x-www-form-urlencoded")).status).toBe(415);
  expect((await fetch(`${address}/predict`)).status).toBe(404);
  expect((await fetch(`${address}/nowhere`)).status).toBe(404);
});

test("wrong questions among right ones do not disturb them", async () => {
  const replies = await Promise.all(
    Array.from({ length: 100 }, (_, i) =>
      ask(JSON.stringify({ pixels: i % 2 === 0 ? good : good.slice(i % 64) })),
    ),
  );
  const statuses = replies.map(({ status }) => status);
  expect(statuses).toEqual(replies.map((_, i) => (i % 2 === 0 ? 200 : 400)));
  const answers = await Promise.all(replies.filter((_, i) => i % 2 === 0).map(read));
  expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
  const odds = mx.softmax(model.forward(mx.array(good).divide(16)), -1);
  expect(answers[0]?.digit).toBe(odds.argmax().item());
});
