/** The safetensors format: a header in JSON, then the values. */
import { describe } from "../call/describe.js";
import { native } from "../call/native.js";
import { sizeOf } from "../call/numbers.js";
import { isRecord } from "../call/objects.js";
import type { StreamId } from "../call/wire.js";
import { FormatError } from "./format-error.js";
import { bytesAt, type Source, viewAt } from "./source.js";

// The sizes of the types that MLX reads; those of 8-bit floats come as uint8.
const sizes = new Map<unknown, number>([
  ["BOOL", 1],
  ["U8", 1],
  ["I8", 1],
  ["F8_E4M3", 1],
  ["F8_E8M0", 1],
  ["U16", 2],
  ["I16", 2],
  ["F16", 2],
  ["BF16", 2],
  ["U32", 4],
  ["I32", 4],
  ["F32", 4],
  ["U64", 8],
  ["I64", 8],
  ["C64", 8],
]);

const longestHeader = 100_000_000;

const quote = 0x22;
const backslash = 0x5c;
const opening = new Set([0x5b, 0x7b]);
const closing = new Set([0x5d, 0x7d]);

/**
 * Whether the text nests no deeper than a header does and has no more records
 * than it has room for: a parser would make gigabytes of other texts.
 */
function isModest(text: Uint8Array): boolean {
  let depth = 0;
  let records = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i] as number;
    if (quoted) {
      if (c === backslash) {
        i++;
      } else if (c === quote) {
        quoted = false;
      }
    } else if (c === quote) {
      quoted = true;
    } else if (opening.has(c)) {
      records++;
      if (++depth > 3) {
        return false;
      }
    } else if (closing.has(c)) {
      depth--;
    }
  }
  // A tensor has three, in at least 50 bytes.
  return records <= 2 + text.length / 16;
}

function parse(text: Uint8Array): unknown {
  try {
    const decoded = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(text);
    return isModest(text) ? JSON.parse(decoded) : undefined;
  } catch {
    return undefined;
  }
}

/** Checks the header; the values of every tensor must lie in the file. */
function checkSafetensors(source: Source): void {
  const { label } = source;
  const long = viewAt(source, 0, 8, "a header length").getBigUint64(0, true);
  const room = Math.min(source.size - 8, longestHeader);
  if (long === 0n || long > room) {
    throw new FormatError(label, `a header of 1 to ${room} bytes`, `one of ${long}`);
  }
  const length = Number(long);
  const header = parse(bytesAt(source, 8, length, "a header"));
  if (!isRecord(header)) {
    throw new FormatError(label, "a header in JSON", "something else");
  }
  const { __metadata__: metadata = null, ...tensors } = header;
  if (
    metadata !== null &&
    !(isRecord(metadata) && Object.values(metadata).every((x) => typeof x === "string"))
  ) {
    throw new FormatError(label, "metadata that is texts", describe(metadata));
  }
  const available = source.size - 8 - length;
  let total = 0;
  for (const [name, tensor] of Object.entries(tensors)) {
    const at = `${label}: ${JSON.stringify(name.slice(0, 80))}`;
    const { dtype, shape, data_offsets: offsets } = isRecord(tensor) ? tensor : {};
    if (!sizes.has(dtype)) {
      throw new FormatError(at, "a dtype that MLX has", describe(dtype));
    }
    const size = Array.isArray(shape) ? sizeOf(shape) : undefined;
    if (size === undefined) {
      throw new FormatError(at, "a shape", describe(shape));
    }
    const bytes = size * (sizes.get(dtype) as number);
    const [start, end, more] = Array.isArray(offsets) ? (offsets as unknown[]) : [];
    const places = Number.isSafeInteger(start) && Number.isSafeInteger(end) && more === undefined;
    const [from, to] = [start as number, end as number];
    if (!places || from < 0 || to - from !== bytes || to > available) {
      throw new FormatError(at, `offsets of ${bytes} bytes within ${available}`, describe(offsets));
    }
    total += bytes;
  }
  // Tensors do not share values: a small file must not become a large model.
  if (total > available) {
    throw new FormatError(label, `tensors of ${available} bytes in all`, `${total} bytes`);
  }
}

export function loadSafetensors(source: Source, stream: StreamId): unknown {
  checkSafetensors(source);
  return native.load_safetensors(source.origin, stream);
}
