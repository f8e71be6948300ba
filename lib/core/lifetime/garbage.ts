/**
 * How the garbage collector learns what arrays cost: V8 sees forty bytes where
 * there may be a gigabyte.
 */
import { v8, vm } from "../call/lazy.js";
import { native } from "../call/native.js";

// V8 decides by the bytes it sees when to collect young objects, and a handle
// is a tenth of what MLX needs for an array. So an array that is left to the
// collector comes with some garbage of about that weight: without it, hundreds
// of thousands of dead arrays wait at a time, in memory that no cache holds.
const ballast = 64;
// Longer lists would not be young objects.
const most = 12_800;
const garbage: { last?: unknown[] } = {};

// How many arrays are made between two looks at MLX's memory.
const reportEvery = 64;
let unreported = 0;

/** An array was left to the collector, and a graph of so many with it. */
export function weigh(arrays = 1): void {
  garbage.last = new Array(Math.min(ballast * arrays, most));
  if (++unreported === reportEvery) {
    reportMemory();
  }
}

/** Lets the collector know what MLX holds now. */
export function reportMemory(): void {
  unreported = 0;
  native.report_memory();
}

type Collect = (all: boolean) => void;

/** Collects at once: young objects, or all. */
function collector(): Collect {
  const { Bun } = globalThis as { Bun?: { gc(synchronously: boolean): void } };
  if (Bun !== undefined) {
    return () => Bun.gc(true);
  }
  // V8's own first: a global `gc` might be a function of the program's.
  const gc = exposedGc() ?? globalThis.gc;
  if (gc === undefined) {
    return (all) => void (all && native.start_marking());
  }
  return (all) => void (all ? gc() : gc({ type: "minor" }));
}

// V8 hands its collector out to contexts that are made while a flag is set.
function exposedGc(): typeof globalThis.gc {
  try {
    const { setFlagsFromString } = v8();
    const isSet = globalThis.gc !== undefined;
    setFlagsFromString("--expose-gc");
    const gc = vm().runInNewContext("gc");
    if (!isSet) {
      setFlagsFromString("--no-expose-gc");
    }
    return gc;
  } catch {
    // Where that is not allowed, V8 collects when it sees fit.
    return undefined;
  }
}

let collect: Collect | undefined;

/** Collects, and gives the milliseconds that it took. */
function timed(all: boolean): number {
  collect ??= collector();
  const start = performance.now();
  collect(all);
  return performance.now() - start;
}

/** One kind of collection, and when it is worth its time. */
class Collection {
  readonly #collect: (waiting: boolean) => number;
  readonly #pause: number;
  // What arrays held after the last one, what that took, and when the next one may be.
  #floor = 0;
  #took = 2;
  #next = 0;

  /**
   * @param pause How many times as long as a collection took shall pass before the next one.
   * @param collect Collects, and gives the milliseconds that it took.
   */
  constructor(pause: number, collect: (waiting: boolean) => number) {
    this.#pause = pause;
    this.#collect = collect;
  }

  /** What arrays held after the last one, or less if there was less since. */
  get floor(): number {
    return this.#floor;
  }

  /**
   * What has come since the last one if the next is due, or else 0.
   *
   * @param bytes What arrays hold now that this may find.
   */
  due(bytes: number): number {
    this.#floor = Math.min(this.#floor, bytes);
    const growth = bytes - this.#floor;
    const worthwhile = growth > Math.max(2 ** 20, bytes / 32);
    const urgent = growth > Math.max(2 ** 25, bytes / 2);
    return urgent || (worthwhile && performance.now() > this.#next) ? growth : 0;
  }

  /** @param waiting Whether JavaScript has nothing else to do meanwhile. */
  run(waiting: boolean): void {
    const took = this.#collect(waiting);
    // One that seems long may have waited for a processor, which the next one hardly will, too.
    this.#next = this.#pause * Math.min(took, this.#took) + performance.now();
    this.#took = took;
    this.#floor = native.live_bytes();
  }
}

// What a program made just now and has no more use for: 2 % of the time.
const young = new Collection(50, () => timed(false));

// What it used for longer, such as parameters that an optimizer replaced: 1 % of the time. V8
// marks a heap bit by bit, on other threads, too, and finds nothing before it is done, some steps
// later. Where JavaScript waits, all can be done at once, on processors that MLX would use: so that
// counts four times. Marking takes about a millisecond for each megabyte, of which the threads save
// four fifths.
const old = new Collection(100, (waiting) => {
  const megabytes = v8().getHeapStatistics().used_heap_size / 2 ** 20;
  const marking = megabytes / 5;
  if (waiting && megabytes < 32) {
    // Where V8 does not let programs collect, it only begins to mark, which takes no time itself.
    return Math.max(4 * timed(true), marking);
  }
  native.start_marking();
  return marking;
});

function collectDue(youngToo: boolean, waiting: boolean): void {
  if (youngToo) {
    young.run(waiting);
  }
  // What came since the last young collection is for the next one: marking takes longer.
  if (old.due(young.floor) > 0) {
    old.run(waiting);
  }
}

/**
 * Before an evaluation: collects if arrays that nobody uses any more may hold
 * much memory. Dead handles still keep their arrays alive, and the evaluation can
 * use their memory again only if they are collected before it.
 */
export function makeRoom(): void {
  collectDue(young.due(native.live_bytes()) > 0, false);
}

/**
 * The same where JavaScript will wait for the evaluation. Given back is what can be done while it
 * waits: a young collection if what may be dead is little beside what evaluations take, and an old one.
 */
export function makeRoomOrWait(): (() => void) | undefined {
  const growth = young.due(native.live_bytes());
  const isLittle = growth > 0 && growth < native.get_peak_memory() / 32;
  if (growth > 0 && !isLittle) {
    young.run(false);
  }
  const hasMore = isLittle || old.due(young.floor) > 0;
  return hasMore ? () => collectDue(isLittle, true) : undefined;
}
