/** Names that users may have meant. */

/** A name as habits of other languages would not change it: `group_size` is `groupsize`. */
function plain(name: string): string {
  return name.replaceAll("_", "").toLowerCase();
}

/** How many letters have to be changed, put in or left out to make one word another. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const changed = (row[j] as number) + (a[i] === b[j] ? 0 : 1);
      next.push(Math.min(changed, (row[j + 1] as number) + 1, (next[j] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}

/** The name that is most like another, if one is alike enough to be meant. */
export function nearest(name: string, names: readonly string[]): string | undefined {
  if (name.length > 64) {
    return undefined;
  }
  const word = plain(name);
  let found: string | undefined;
  // Of a short name, most letters would be others.
  let least = Math.min(3, Math.floor(word.length / 3) + 1);
  for (const candidate of names) {
    const d = distance(word, plain(candidate));
    if (d < least) {
      found = candidate;
      least = d;
    }
  }
  return found;
}
