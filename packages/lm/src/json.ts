import type { Work } from "./turns.js";

/** How many characters are read at once. */
const piece = 1 << 15;

/** A list or a record that the text is within. */
interface Open {
  readonly isList: boolean;
  /** Where its bracket is. */
  readonly bracket: number;
  /** Its name in the record around it, as the text has it. */
  readonly name: string;
  /** Where those of its members begin that were not read yet. */
  next: number;
  /** The members that were read: undefined while it may be short enough to be read as a whole. */
  values: unknown[] | Map<string, unknown> | undefined;
}

/** Reads the members up to `end`, and a last one that stands for what comes there. */
function readMembers(open: Open, text: string, end: number, last = ""): void {
  let members = text.slice(open.next, end) + last;
  open.values ??= open.isList ? [] : new Map();
  if (open.next > open.bracket + 1) {
    const rest = members.trimStart();
    if (rest === "") {
      return;
    }
    if (!rest.startsWith(",")) {
      throw new SyntaxError("expected a comma");
    }
    members = rest.slice(1);
  }
  if (members.trim() === "") {
    throw new SyntaxError("expected a member");
  }
  open.next = end;
  if (open.values instanceof Map) {
    for (const [name, value] of Object.entries(JSON.parse(`{${members}}`))) {
      open.values.set(name, value);
    }
  } else {
    open.values.push(...JSON.parse(`[${members}]`));
  }
}

function completed({ name, values }: Open, asMap: string): unknown {
  return values instanceof Map && name !== asMap ? Object.fromEntries(values) : values;
}

/** As JSON.parse, in pieces; throws a SyntaxError for what is none, with no word of use. */
function* inPieces(text: string, asMap: string): Work<unknown> {
  const whole: Open = { isList: true, bracket: -1, name: "", next: 0, values: undefined };
  const open = [whole];
  let innermost = whole;
  let lastText = "";
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (character === '"') {
      const start = i;
      do {
        i = text.indexOf('"', i + 1);
      } while (i >= 0 && isEscaped(text, i));
      if (i < 0) {
        throw new SyntaxError("expected the end of a text");
      }
      lastText = text.slice(start, i + 1);
    } else if (character === "{" || character === "[") {
      const name = innermost.isList ? "" : lastText;
      innermost = { isList: character === "[", bracket: i, name, next: i + 1, values: undefined };
      open.push(innermost);
    } else if (character === "," && i - innermost.next > piece) {
      for (const [depth, outer] of open.entries()) {
        const inner = open[depth + 1];
        if (inner === undefined) {
          readMembers(outer, text, i);
        } else if (inner.values === undefined) {
          // Its own members come later, in the place of null.
          readMembers(outer, text, inner.bracket, "null");
        }
      }
      yield;
    } else if (character === "}" || character === "]") {
      const inner = open.pop();
      const outer = open.at(-1);
      if (inner === undefined || outer === undefined || inner.isList !== (character === "]")) {
        throw new SyntaxError("expected another bracket");
      }
      innermost = outer;
      if (inner.values !== undefined) {
        readMembers(inner, text, i);
        const value = completed(inner, asMap);
        if (outer.values instanceof Map) {
          outer.values.set(JSON.parse(inner.name), value);
        } else {
          outer.values?.splice(-1, 1, value);
        }
        outer.next = i + 1;
      }
    }
  }
  readMembers(whole, text, text.length);
  const [value, ...others] = whole.values ?? [];
  if (open.length !== 1 || others.length > 0) {
    throw new SyntaxError("expected one value");
  }
  return value;
}

/** Whether an odd number of backslashes stands before a character. */
function isEscaped(text: string, at: number): boolean {
  let start = at;
  while (text[start - 1] === "\\") {
    start--;
  }
  return (at - start) % 2 === 1;
}

/**
 * What JSON.parse gives of a text, read in pieces so that the event loop can go on.
 *
 * @param asMap Long records of this name come as a Map.
 * @throws SyntaxError as JSON.parse does.
 */
export function* parseJson(text: string, asMap = ""): Work<unknown> {
  try {
    return yield* inPieces(text, JSON.stringify(asMap));
  } catch {
    return JSON.parse(text);
  }
}
