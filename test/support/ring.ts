/** Groups of processes on this machine, connected in a ring. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Outcome, runScript } from "./process.js";

/** A server on a port, without one on any that was free. */
export function listen(port = 0): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve(server));
  });
}

// Below those that the system gives to who asks for any, and to connections: between the look
// at one of these and its use, nobody else gets it. Each process that runs tests has some of its own.
const [lowest, perProcess] = [20_000, 64];
let used = 0;

/** Servers on ports that nobody gets when these are closed. */
async function listenAll(size: number): Promise<Server[]> {
  const servers: Server[] = [];
  for (let tries = 0; servers.length < size; tries++) {
    const port = lowest + (process.pid % 190) * perProcess + (used++ % perProcess);
    try {
      servers.push(await listen(port));
    } catch (error) {
      if (tries === perProcess) {
        throw error;
      }
    }
  }
  return servers;
}

export function addressOf(server: Server): string {
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Runs a function with a host file of the given text. */
export async function withHosts<T>(text: string, fn: (file: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "mlx-js-ring-"));
  const file = join(folder, "hosts.json");
  try {
    writeFileSync(file, text);
    return await fn(file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const prelude = `
  const { mx } = require(".");
  const { init, allSum, allMax, allMin, allGather, send, recv, recvLike, sumScatter } =
    mx.distributed;
  const group = init({ strict: true, backend: "ring" });
  const rank = group.rank();
  const size = group.size();
  const attempt = (fn) => {
    try {
      const x = fn();
      return x instanceof mx.array ? x.tolist() : x;
    } catch (error) {
      return error.constructor.name + ": " + error.message.trim();
    }
  };
  const print = (x) =>
    console.log(JSON.stringify(x, (_, y) => (typeof y === "bigint" ? Number(y) : y)));
`;

/** Runs a program in each process of a ring; by rank, how each ended. */
export async function runRing(size: number, program: string): Promise<Outcome[]> {
  const servers = await listenAll(size);
  const hosts = servers.map((server) => [addressOf(server)]);
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  return withHosts(JSON.stringify(hosts), (file) =>
    Promise.all(
      hosts.map((_, rank) =>
        runScript(prelude + program, { env: { MLX_HOSTFILE: file, MLX_RANK: String(rank) } }),
      ),
    ),
  );
}

/** What each process of a ring prints, which all end without an error. */
export async function printed(size: number, program: string): Promise<unknown[]> {
  const outcomes = await runRing(size, program);
  return outcomes.map(({ code, signal, stdout, stderr }) => {
    if (code !== 0) {
      throw new Error(`ended with ${code ?? signal}: ${stderr}`);
    }
    return JSON.parse(stdout) as unknown;
  });
}
