/** Looks for texts that end an answer, in text that comes piece by piece. */
export class StopFinder {
  readonly #stops: readonly string[];
  /** What may be the beginning of a stop. */
  #held = "";

  constructor(stops: readonly string[]) {
    this.#stops = stops;
  }

  /** The text that is certain to come before any stop, and whether one was found. */
  add(text: string): { text: string; found: boolean } {
    const all = this.#held + text;
    const places = this.#stops.map((stop) => all.indexOf(stop)).filter((place) => place >= 0);
    if (places.length > 0) {
      this.#held = "";
      return { text: all.slice(0, Math.min(...places)), found: true };
    }
    const held = Math.max(0, ...this.#stops.map((stop) => overlap(all, stop)));
    this.#held = all.slice(all.length - held);
    return { text: all.slice(0, all.length - held), found: false };
  }

  /** What was held back, when nothing more comes. */
  finish(): string {
    const held = this.#held;
    this.#held = "";
    return held;
  }
}

/** How much of the end of a text is a beginning of `stop`. */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length--) {
    if (text.endsWith(stop.slice(0, length))) {
      return length;
    }
  }
  return 0;
}
