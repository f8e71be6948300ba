import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { models } from "../../../scripts/models.mjs";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const cli = fileURLToPath(new URL("../dist/cli.js", import.meta.url));

function run(args: string[], input = "") {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    ...{ cwd: root, encoding: "utf8", input, timeout: 100_000 },
  });
  return { status, stdout, stderr };
}

test("npm run chat says through a pipe what the README shows", { timeout: 120_000 }, () => {
  const readme = readFileSync(fileURLToPath(new URL("../README.md", import.meta.url)), "utf8");
  const conversation = /^```\n(> [\s\S]*?)^```$/m.exec(readme)?.[1] ?? "";
  const said = (isUser: boolean) =>
    conversation.split("\n").filter((line) => line !== "" && line.startsWith("> ") === isUser);
  const questions = said(true).map((line) => line.slice(2));
  expect(questions).toHaveLength(3);
  const lines = [...questions, "", "/reset", questions[1], "/exit", "not read"].join("\n");
  const { status, stdout, stderr } = run(["scripts/chat.mjs", "--max-tokens", "32"], lines);
  expect(stdout.trimEnd().split("\n")).toEqual([...said(false), said(false)[1]]);
  expect(stderr).toMatch(
    /^\(\d+ tokens read, [\d.]+ a second; \d+ written, [\d.]+ a second; \d+ MB\)/,
  );
  expect(status).toBe(0);
});

test("mlx-lm generate answers a prompt, or goes on with it", { timeout: 120_000 }, () => {
  const generate = [cli, "generate", "--model", models().smollm2, "--quiet"];
  const answer = run([...generate, "--prompt", "What is the capital of France?", "--stop", " is"]);
  expect(answer).toEqual({ status: 0, stdout: "The capital of France\n", stderr: "" });
  const raw = run([...generate, "--raw", "--max-tokens", "3"], "One, two, three, four,\n");
  expect(raw).toEqual({ status: 0, stdout: " five, six\n", stderr: "" });
});

test("wrong commands are explained", () => {
  const model = ["--model", "nowhere"];
  const help = run([cli, "--help"]);
  expect(help.stdout).toMatch(/^usage: mlx-lm chat/);
  expect(help.status).toBe(0);
  for (const [args, message] of [
    [[], "expected chat or generate, received nothing"],
    [["talk"], "expected chat or generate, received talk"],
    [["chat"], "--model is missing"],
    [["chat", "x", ...model], "expected options after chat, received x"],
    [["chat", ...model, "--seed", "x"], "--seed: expected a number, received x"],
    [["chat", "--modle", "x"], "Unknown option '--modle'"],
  ] as const) {
    const { status, stderr } = run([cli, ...args]);
    expect(stderr).toContain(`mlx-lm: ${message}`);
    expect(stderr).toContain("usage: mlx-lm chat");
    expect(status).toBe(2);
  }
  const { status, stderr } = run([cli, "chat", ...model]);
  expect(stderr).toBe("mlx-lm: [load] pathOrName: there is no folder or GGUF file nowhere\n");
  expect(status).toBe(1);
});
