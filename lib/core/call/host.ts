/** What the loader knows of the process, and what it tells of its attempts. */
import { dirname, join } from "node:path";
import type { Beginning } from "./damage.js";

/** Why a package cannot be had. */
export class Unavailable {
  readonly cause: unknown;

  constructor(cause: unknown) {
    this.cause = cause;
  }
}

/** What a process is like, as far as it matters here. */
export interface Host {
  readonly platform: string;
  readonly arch: string;
  /** The version of glibc; undefined where there is another C library, and outside of Linux. */
  readonly glibc: string | undefined;
  /** The kernel's version: 23 is macOS 14, 25 is macOS 26. */
  readonly release: string;
  readonly versions: Readonly<Record<string, string | undefined>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The version of this package. */
  readonly version: string;
  /** The file that this code runs from; undefined where a bundler made it a module. */
  readonly file: string | undefined;
  /** The packages of platforms: each gives what it exports, or is unavailable. */
  readonly packages: Readonly<Record<string, () => unknown>>;
  exists(path: string): boolean;
  /** Throws where the file is not there, or may not be read. */
  beginning(path: string): Beginning;
  /** Gives what an addon exports. */
  load(path: string): unknown;
  warn(message: string): void;
}

export type Why =
  | "absent"
  | "foreign"
  | "version"
  | "incomplete"
  | "unreadable"
  | "unprepared"
  | "failed";

/** Something that was tried, and why it was of no use. */
export interface Attempt {
  readonly name: string;
  readonly kind: Why;
  readonly reason: string;
  readonly cause?: unknown;
}

/** The packages that fit a platform, the best one first. */
export function packagesFor({ platform, arch, release }: Host): string[] {
  const base = `@mlx-js/${platform}-${arch}`;
  if (base === "@mlx-js/darwin-arm64" && Number.parseInt(release, 10) >= 25) {
    return [`${base}-macos26`, base];
  }
  return [base];
}

/** The folder of the package, or of the checkout; undefined where code was moved away from it. */
export function rootOf({ file, exists }: Host): string | undefined {
  const root = file && join(dirname(file), "..");
  return root && exists(join(root, "package.json")) && file === join(root, "dist", "addon.js")
    ? root
    : undefined;
}
