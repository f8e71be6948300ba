/** Groups of processes, which `mx.distributed` makes. */
import { asInteger } from "./call/arguments.js";
import { mismatch } from "./call/errors.js";
import { identify } from "./call/identity.js";
import { integer, optionsOf } from "./call/kinds.js";
import { native } from "./call/native.js";
import type { GroupId } from "./call/wire.js";

/** Options of `Group.split`. */
export interface GroupSplitOptions {
  /** What the ranks in the new group are sorted by. By default the rank in this one. */
  key?: number | undefined;
}

const readSplit = optionsOf<GroupSplitOptions>()("distributed.Group.split", { key: integer(-1) });

/** The number of a group to the addon. */
export let idOf: (group: unknown, fn: string) => GroupId;

/** Processes that communicate, of which this is one; made by `mx.distributed.init`. */
export class Group {
  static {
    identify(Group, "a group of processes", () => "a group of processes");
  }

  readonly #id: GroupId;

  static {
    idOf = (group, fn) => {
      if (typeof group === "object" && group !== null && #id in group) {
        return group.#id;
      }
      throw mismatch(fn, "group", "a group", group);
    };
  }

  /** @internal */
  constructor(id: number) {
    native.group_rank(id as GroupId);
    this.#id = id as GroupId;
  }

  /** The place of this process in the group, from 0. */
  rank(): number {
    return native.group_rank(idOf(this, "distributed.Group.rank"));
  }

  /** How many processes there are. */
  size(): number {
    return native.group_size(idOf(this, "distributed.Group.size"));
  }

  /**
   * The group of those processes that give the same color.
   *
   * @throws Error where the backend cannot split: the ring, NCCL and JACCL, and a
   * group of one process.
   */
  split(color: number, options?: GroupSplitOptions): Group {
    const fn = "distributed.Group.split";
    const { key } = readSplit(options);
    return new Group(native.group_split(idOf(this, fn), asInteger(color, fn, "color"), key));
  }
}
