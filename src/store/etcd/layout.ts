/**
 * PURE: names of what a mesh has in etcd, beneath `/weft/<mesh>/`:
 *
 *   head                               the newest write; nothing is visible that it does not lead to
 *   rev/<revision>, op/<sequence>      one write each: commits by revision, operational writes by the sequence before them
 *   chunk/<write>/<part>               bodies that are too large for one value
 *   owner/<write>                      whose chunks these are: while they are being written the writer's, by its lease; then an entry's
 *   data/<kind>/<namespace>/<name>/<part>   every object as it was at head's `folded` or later: a start reads no whole history
 *   anchor/<replica>                   the end of each replica's audit log
 *   shared/...                         what is not the store's: leader, replicas, presence, keys
 *
 * head, op/ and rev/ are neighbours in this order, so that one watch sees them and nothing else.
 */
import type { ObjectKey } from "../../api/index.ts";

/** Padded, so that keys sort as numbers do. 2^53 has 16 digits. */
const digits = 16;

export class Layout {
  readonly prefix: string;
  readonly head: string;

  constructor(mesh: string) {
    this.prefix = `/weft/${mesh}/`;
    this.head = `${this.prefix}head`;
  }

  revision(revision: number): string {
    return `${this.prefix}rev/${padded(revision)}`;
  }

  /** `base`: the sequence before the write. */
  operation(base: number): string {
    return `${this.prefix}op/${padded(base)}`;
  }

  entry(entry: { readonly base: number; readonly revision: number; readonly isCommit: boolean }): string {
    return entry.isCommit ? this.revision(entry.revision) : this.operation(entry.base);
  }

  chunk(id: string, part: number): string {
    return `${this.chunks(id)}${padded(part)}`;
  }

  chunks(id: string): string {
    return `${this.allChunks}${id}/`;
  }

  /** Exists while the chunks of that write are to be kept. */
  owner(id: string): string {
    return `${this.allOwners}${id}`;
  }

  get allOwners(): string {
    return `${this.prefix}owner/`;
  }

  get allChunks(): string {
    return `${this.prefix}chunk/`;
  }

  get allData(): string {
    return `${this.prefix}data/`;
  }

  data({ kind, namespace, name }: ObjectKey): string {
    return `${this.allData}${kind}/${namespace}/${name}/`;
  }

  anchor(replica: string): string {
    return `${this.prefix}anchor/${replica}`;
  }

  shared(name: string): string {
    return `${this.prefix}shared/${name}`;
  }

  /** What the store's one watch sees. */
  get watched(): { readonly key: string; readonly end: string } {
    return { key: this.head, end: endOf(`${this.prefix}rev/`) };
  }
}

export function padded(number: number): string {
  return String(number).padStart(digits, "0");
}

/** The end of the range of all keys that begin with `prefix`. */
export function endOf(prefix: string): string {
  return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
}
