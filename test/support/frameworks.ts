/** The test frameworks, on the files of test/frameworks. */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { type Outcome, run } from "./process.js";

const require = createRequire(import.meta.url);
const folder = join(__dirname, "..", "frameworks");

/** The executable of a package, which is a program of Node's. */
function executable(name: string, file: string): string {
  return join(dirname(require.resolve(`${name}/package.json`)), file);
}

const jest = executable("jest", "bin/jest.js");
const vitest = executable("vitest", "vitest.mjs");

export interface Summary {
  /** How many tests passed. */
  passed: number;
  /** What those that failed said. */
  failures: string[];
}

// Jest's and vitest's reports have this in common.
interface Report {
  numPassedTests: number;
  testResults: {
    message: string;
    assertionResults: { status: string; failureMessages: string[] }[];
  }[];
}

function summary({ code, signal, stdout, stderr }: Outcome): Summary {
  let report: Report;
  try {
    report = JSON.parse(stdout);
  } catch {
    throw new Error(`no report, but ${JSON.stringify({ code, signal, stdout, stderr })}`);
  }
  const failures = report.testResults.flatMap(({ message, assertionResults }) =>
    assertionResults.length === 0 ? [message] : assertionResults.flatMap((x) => x.failureMessages),
  );
  if (failures.length === 0 && code !== 0) {
    failures.push(`ended with ${code ?? signal}: ${stderr}`);
  }
  return { passed: report.numPassedTests, failures };
}

export async function runJest(...args: string[]): Promise<Summary> {
  const config = ["--config", join(folder, "jest.config.cjs")];
  return summary(await run([jest, ...config, "--json", "--runInBand", ...args]));
}

export async function runVitest(...args: string[]): Promise<Summary> {
  return summary(await run([vitest, "run", "--root", folder, "--reporter=json", ...args]));
}
