/**
 * What is wrong with a file of a package, as far as its beginning tells. The system looks at little before it
 * maps a library, and a library that was cut short ends the process.
 */

/** The beginning of a file, a page of memory at most, and how long all of it is. */
export interface Beginning {
  readonly bytes: Uint8Array;
  readonly size: number;
}

const machines: Readonly<Record<string, number | undefined>> = { x64: 62, arm64: 183 };
const loaded = 1;

/** Where the last part ends that is loaded of a library in Linux's format, ELF. */
function endOf(view: DataView): number {
  const [first, length, count] = [
    Number(view.getBigUint64(32, true)),
    view.getUint16(54, true),
    view.getUint16(56, true),
  ];
  let end = 0;
  for (let i = 0; i < count; i++) {
    const at = first + i * length;
    if (at + 40 <= view.byteLength && view.getUint32(at, true) === loaded) {
      const [offset, size] = [view.getBigUint64(at + 8, true), view.getBigUint64(at + 32, true)];
      end = Math.max(end, Number(offset + size));
    }
  }
  return end;
}

/** The end of a sentence about the file, or `undefined` if it is whole. */
export function damageOf({ bytes, size }: Beginning, arch: string): string | undefined {
  if (size === 0) {
    return "is empty";
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const kind = bytes.length < 64 ? "" : String.fromCharCode(...bytes.subarray(0, 4));
  let end = 0;
  if (kind === "\x7fELF") {
    const machine = machines[arch];
    if (machine !== undefined && machine !== view.getUint16(18, true)) {
      return `is for another processor, not for ${arch}`;
    }
    end = endOf(view);
  } else if (kind === "MTLB") {
    // Metal's kernels.
    end = Number(view.getBigUint64(16, true));
  } else if (kind !== "\xcf\xfa\xed\xfe") {
    // Not macOS's format, either, whose libraries the system looks at before it maps them.
    return "holds something else";
  }
  return size < end ? `was cut short: it has ${size} bytes of ${end}` : undefined;
}
