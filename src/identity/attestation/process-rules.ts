/** Which processes are which service account: rules in order, of which the first one that fits decides. */
import type { AttestedSubject } from "./attestor.ts";
import type { AttributeRefusal, ProcessView } from "./process-view.ts";

export interface ProcessMatch {
  readonly uid?: number;
  readonly gid?: number;
  /** A path in the unified hierarchy, or `controller:path` in one of its own; `*` within a part of it, `**` over several. */
  readonly cgroup?: string;
  /** The file that runs is the one at this path. */
  readonly executable?: string;
  /** Of the executable, in lower-case hex. */
  readonly sha256?: string;
}

export interface ProcessRule extends AttestedSubject {
  /** At least one attribute; all of them must fit. */
  readonly match: ProcessMatch;
}

export interface KnownProcess extends AttestedSubject {
  /** Its place in the list. */
  readonly rule: number;
}

/** The log names so many rules with what did not fit. */
const maxExplained = 16;

/**
 * What cannot be read refuses the process outright: going on to the next rule could give it an identity that it would not have
 * if it could be read.
 */
export async function matchProcess(
  rules: readonly ProcessRule[],
  view: ProcessView,
): Promise<KnownProcess | AttributeRefusal> {
  const misses: string[] = [];
  for (const [rule, { match, namespace, serviceAccount }] of rules.entries()) {
    const miss = await missOf(match, view);
    if (miss === undefined) return { namespace, serviceAccount, rule };
    if (typeof miss !== "string") return miss;
    if (misses.length < maxExplained) misses.push(`[${rule}] ${miss}`);
  }
  const more = rules.length > misses.length ? `, and ${rules.length - misses.length} more` : "";
  const why = rules.length === 0 ? "there are none" : `what did not fit: ${misses.join(", ")}${more}`;
  return { refusal: "no_rule", detail: `no rule is for this process; ${why}` };
}

/** The cheapest first: nobody has a file read who does not fit otherwise. */
async function missOf(
  { uid, gid, cgroup, executable, sha256 }: ProcessMatch,
  view: ProcessView,
): Promise<keyof ProcessMatch | AttributeRefusal | undefined> {
  if (uid !== undefined && uid !== view.uid) return "uid";
  if (gid !== undefined && gid !== view.gid) return "gid";
  if (cgroup !== undefined) {
    const [, controller = "", pattern = ""] = cgroupPattern.exec(cgroup) ?? [];
    const path = await view.cgroup(controller);
    if (typeof path !== "string") return path ?? "cgroup";
    if (!pathFits(pattern, path)) return "cgroup";
  }
  if (executable !== undefined) {
    const runs = await view.runs(executable);
    if (typeof runs !== "boolean") return runs;
    if (!runs) return "executable";
  }
  if (sha256 === undefined) return undefined;
  const hash = await view.sha256();
  if (typeof hash !== "string") return hash;
  return hash === sha256 ? undefined : "sha256";
}

/** Controller and path. The controller's own name may have an `=` (`name=systemd`), never a slash. */
const cgroupPattern = /^(?:([^/:]+):)?(\/.*)$/;

/** In steps of pattern times path, whatever they are: the path may be one that the process chose. */
function pathFits(pattern: string, path: string): boolean {
  const tokens = pattern.match(/\*\*|[^]/g) ?? [];
  // Which beginnings of the path the tokens so far can stand for.
  let reached = Array.from({ length: path.length + 1 }, (_, end) => end === 0);
  for (const token of tokens) {
    const next = Array.from({ length: path.length + 1 }, () => false);
    const isWild = token.startsWith("*");
    for (let end = 0; end <= path.length; end++) {
      if (isWild && reached[end] === true) next[end] = true;
      if (end === 0) continue;
      const goesOn = isWild && next[end - 1] === true && (token === "**" || path[end - 1] !== "/");
      const isLiteral = !isWild && reached[end - 1] === true && path[end - 1] === token;
      if (goesOn || isLiteral) next[end] = true;
    }
    reached = next;
  }
  return reached[path.length] === true;
}
