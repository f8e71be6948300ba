import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { models } from "../../../scripts/models.mjs";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const cli = fileURLToPath(new URL("../dist/cli.js", import.meta.url));

function run(args: string[], input = "") {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    ...{ cwd: root, encoding: "utf8", input, timeout: 100_000 },
  });
  return { status, stdout, stderr };
}

test("npm run chat says through a pipe what the README shows", () => {
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

test("mlx-lm generate answers a prompt, or goes on with it", () => {
  const generate = [cli, "generate", "--model", models().smollm2, "--quiet"];
  const answer = run([...generate, "--prompt", "What is the capital of France?", "--stop", " is"]);
  expect(answer).toEqual({ status: 0, stdout: "The capital of France\n", stderr: "" });
  const raw = run([...generate, "--raw", "--max-tokens", "3"], "One, two, three, four,\n");
  expect(raw).toEqual({ status: 0, stdout: " five, six\n", stderr: "" });
});

test("wrong commands are explained", () => {
  const model = ["--model", "nowhere"];
  const { version } = JSON.parse(readFileSync(join(root, "packages/lm/package.json"), "utf8"));
  expect(run([cli, "--version"]).stdout).toBe(`${version}\n`);
  const help = run([cli, "--help"]);
  expect(help.stdout).toMatch(/^usage: mlx-lm chat/);
  expect(help.status).toBe(0);
  for (const [args, message] of [
    [[], "expected chat or generate, received nothing"],
    [["talk"], "expected chat or generate, received talk"],
    [["chat"], "--model is missing"],
    [["chat", "x", ...model], "expected options after chat, received x"],
    [["chat", ...model, "--seed", "x"], "--seed: expected a number, received x"],
    [["chat", "--modle", "x"], "there is no --modle; did you mean --model?"],
    [["chat", ...model, "--wings", "x"], "Unknown option '--wings'"],
    [["chat", ...model, "--prompt", "x"], "--prompt is of no use for chat"],
    [["generate", ...model, "--raw", "--system", "x"], "--system is of no use for generate --raw"],
    [["chat", ...model, "--max-tokens", "0"], "--max-tokens: expected a positive integer"],
    [
      ["chat", ...model, "--repetition-penalty=-1"],
      "--repetition-penalty: expected a number above 0",
    ],
    [
      ["generate", ...model],
      "expected a prompt, by --prompt or on standard input, received nothing",
    ],
  ] as const) {
    const { status, stderr } = run([cli, ...args]);
    expect(stderr).toContain(`mlx-lm: ${message}`);
    expect(stderr).toContain("usage: mlx-lm chat");
    expect(status).toBe(2);
  }
  const { status, stderr } = run([cli, "chat", ...model]);
  expect(stderr).toBe('mlx-lm: --model: there is no folder or GGUF file "nowhere"\n');
  expect(status).toBe(1);
});

test("a reader that has seen enough ends it without a word, a full disk with one", () => {
  const command = `"${process.execPath}" "${cli}" generate --quiet --model "$MODEL" --prompt "Count to 50."`;
  const through = (rest: string) =>
    spawnSync("sh", ["-c", `{ ${command}; echo $? >&2; } ${rest}`], {
      ...{ cwd: root, encoding: "utf8", timeout: 100_000 },
      env: { ...process.env, MODEL: models().smollm2 },
    });
  const { stdout, stderr } = through("| head -c 1");
  expect(stdout).toHaveLength(1);
  expect(stderr).toBe("141\n");
  if (existsSync("/dev/full")) {
    expect(through("> /dev/full").stderr).toMatch(/^mlx-lm: ENOSPC.*\n1\n$/);
  }
});

// `script` gives a program a terminal.
const hasTerminal = process.platform === "linux" && spawnSync("script", ["--version"]).status === 0;

describe.runIf(hasTerminal)("on a terminal", () => {
  /** Types each text when what it waits for has come, and gives all that came and the exit code. */
  function typed(args: string, keys: [waitFor: RegExp, text: string][]) {
    const command = `"${process.execPath}" "${cli}" ${args} --model "$MODEL"`;
    const child = spawn("script", ["-qefc", command, "/dev/null"], {
      env: { ...process.env, MODEL: models().smollm2 },
    });
    let all = "";
    let since = "";
    child.stdout.setEncoding("utf8").on("data", (piece: string) => {
      all += piece;
      since += piece;
      const [next] = keys;
      if (next?.[0].test(since)) {
        keys.shift();
        since = "";
        child.stdin.write(next[1]);
      }
    });
    return new Promise<{ all: string; code: number | null }>((resolve) =>
      child.on("close", (code) => resolve({ all, code })),
    );
  }
  const ready = /> \S*$/;
  const [ctrlC, ctrlD] = ["\x03", "\x04"];

  test("Ctrl-C stops an answer, Ctrl-D ends", async () => {
    const { all, code } = await typed("chat", [
      [ready, "Tell me a long story about a whale.\r"],
      [/whale\.\s+(\S+ ){3}/, ctrlC],
      [/\(stopped\).*> \S*$/s, "/reset\r"],
      [ready, "What is the capital of France?\r"],
      [/The capital of France is Paris\..*MB\).*> \S*$/s, ctrlD],
    ]);
    expect(all).toMatch(/\/reset begins anew, \/exit or Ctrl-D ends/);
    expect(all).toMatch(/Paris\..*MB\).*\n$/s);
    expect(code).toBe(0);
  });

  test("Ctrl-C takes back what is typed, and ends when it comes again", async () => {
    const { all, code } = await typed("chat", [
      [ready, "nobody reads this"],
      [/reads this$/, ctrlC],
      [/\(\/reset .*> \S*$/s, ctrlC],
    ]);
    expect(all).not.toContain("MB)");
    expect(code).toBe(130);
  });

  test("progress is shown, and Ctrl-C ends that, too", async () => {
    const prompted = await typed("generate --max-tokens 5 --prompt Hello", [[/never/, ""]]);
    expect(prompted.all).toMatch(/reading \d+ MB: 100 %/);
    expect(prompted.all).toMatch(/MB; cut off by --max-tokens or the context\)/);
    expect(prompted.code).toBe(0);
    const stopped = await typed("generate", [[/The prompt, and then Ctrl-D/, ctrlC]]);
    expect(stopped.code).toBe(130);
  });
});

test("the program runs by its name, as npx runs it in a checkout", () => {
  const { status, stdout } = spawnSync(cli, ["--help"], { encoding: "utf8" });
  expect(stdout).toContain("mlx-lm generate");
  expect(status).toBe(0);
});
