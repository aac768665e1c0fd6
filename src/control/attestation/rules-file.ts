/**
 * The rules of the attestation socket: a YAML list, checked as strictly as resources are, and read again when the file changes.
 * A file that became wrong changes nothing: the rules before it stay, and the log says what is wrong with each line.
 */
import { readFileSync, statSync } from "node:fs";
import {
  decodeMessage,
  dnsLabel,
  integer,
  list,
  object,
  optional,
  parseYamlDocuments,
  type SourceDocument,
  text,
} from "../../api/index.ts";
import { controlNamespace, controlServiceAccount, type ProcessRule } from "../../identity/index.ts";
import {
  type Clock,
  errorLine,
  type Issue,
  issueLine,
  type Log,
  parseSpiffeId,
  type Timer,
  WeftError,
} from "../../kernel/index.ts";

/** All are gone through for a process that none is for. */
const maxRules = 1_000;
/** The kernel's own bounds are far higher; (uid_t) -1 is nobody. */
const maxId = 0xffff_fffe;
/** As for a plugged-in CA: a mounted file is replaced by a rename that watches of files do not see. */
const lookEveryMs = 2_000;

const rulesSchema = list(
  "Which processes are which service account; the first one that fits decides.",
  object("One rule.", {
    match: object("What the kernel must say of the process; all that is given.", {
      uid: optional(integer("Effective user when it connected.", 0, maxId)),
      gid: optional(integer("Effective group when it connected.", 0, maxId)),
      cgroup: optional(
        text("Path of its cgroup; * within a part of it, ** over several.", {
          min: 1,
          max: 512,
          pattern: "^([a-z0-9_.=]+:)?/[^\\u0000\\n]*$",
          expected: "a path such as /system.slice/web.service, or with a controller such as memory:/web/*",
        }),
      ),
      executable: optional(
        text("The file that it runs.", {
          min: 2,
          max: 4_095,
          pattern: "^/[^\\u0000]+$",
          expected: "an absolute path such as /usr/bin/weft",
        }),
      ),
      sha256: optional(
        text("SHA-256 of that file.", {
          min: 64,
          max: 64,
          pattern: "^[0-9a-f]{64}$",
          expected: "64 lower-case hexadecimal digits, in quotes",
        }),
      ),
    }),
    namespace: text("Of the service account.", dnsLabel),
    serviceAccount: text("Its name.", { min: 1, max: 253 }),
  }),
  { max: maxRules },
);

/** Throws `io`, `permission`, or `bad_input` with every problem and its path. */
export function readRules(file: string): readonly ProcessRule[] {
  let bytes: Uint8Array;
  try {
    if ((statSync(file).mode & 0o022) !== 0) {
      throw new WeftError("permission", `${file} can be written by others, who could be anybody then`, {
        hint: `chmod go-w ${file}`,
      });
    }
    bytes = readFileSync(file);
  } catch (cause) {
    if (cause instanceof WeftError) throw cause;
    throw new WeftError("io", `the attestation rules in ${file} cannot be read`, { cause });
  }
  const { documents, issues } = parseYamlDocuments(bytes, file);
  const [document, second] = documents;
  if (issues.length > 0) throw wrong(file, issues);
  if (document === undefined || second !== undefined) {
    const message = "must be one list of rules; write [] for none";
    throw wrong(file, [{ path: "", message, file, line: second?.line ?? 1 }]);
  }
  const decoded = decodeMessage(rulesSchema, document.value, "request");
  if ("issues" in decoded) throw wrong(file, located(decoded.issues, document));
  const more = decoded.object.flatMap((rule, index) => problemsOf(rule, index, decoded.object));
  if (more.length > 0) throw wrong(file, located(more, document));
  return decoded.object;
}

function problemsOf(rule: ProcessRule, index: number, all: readonly ProcessRule[]): Issue[] {
  const { match, namespace, serviceAccount } = rule;
  const issues: Issue[] = [];
  if (Object.keys(match).length === 0) {
    issues.push({ path: `[${index}].match`, message: "must name at least one attribute" });
  }
  const name = `[${index}].serviceAccount`;
  if (parseSpiffeId(`spiffe://a/ns/${namespace}/sa/${serviceAccount}`) === undefined) {
    issues.push({ path: name, message: "is no name of a service account" });
  }
  if (namespace === controlNamespace && serviceAccount === controlServiceAccount) {
    issues.push({ path: name, message: "the control plane's own identity is not handed out" });
  }
  const key = keyOf(rule);
  const first = all.findIndex((other) => keyOf(other) === key);
  if (first < index) {
    issues.push({ path: `[${index}].match`, message: `is never reached: [${first}] matches the same` });
  }
  return issues;
}

function keyOf({ match: { uid, gid, cgroup, executable, sha256 } }: ProcessRule): string {
  return JSON.stringify([uid, gid, cgroup, executable, sha256]);
}

function located(issues: readonly Issue[], document: SourceDocument): Issue[] {
  return issues.map((issue) => ({ ...issue, file: document.file, line: document.lineOf(issue.path) }));
}

function wrong(file: string, issues: readonly Issue[]): WeftError {
  return new WeftError("bad_input", `${file} holds no attestation rules that can be used`, { issues });
}

export class RulesFile {
  readonly #file: string;
  readonly #clock: Clock;
  readonly #log: Log;
  #rules: readonly ProcessRule[];
  #seen: string;
  #timer: Timer;

  /** Throws as `readRules`. */
  constructor(file: string, { clock, log }: { readonly clock: Clock; readonly log: Log }) {
    this.#file = file;
    this.#clock = clock;
    this.#log = log;
    this.#seen = this.#look();
    this.#rules = readRules(file);
    this.#timer = this.#schedule();
  }

  /** Those of now. */
  get rules(): readonly ProcessRule[] {
    return this.#rules;
  }

  close(): void {
    this.#timer.cancel();
  }

  #schedule(): Timer {
    return this.#clock.after(lookEveryMs, () => {
      const now = this.#look();
      if (now !== this.#seen) {
        this.#seen = now;
        this.#reload();
      }
      this.#timer = this.#schedule();
    });
  }

  #reload(): void {
    try {
      this.#rules = readRules(this.#file);
      this.#log.info("the attestation rules changed", { file: this.#file, rules: this.#rules.length });
    } catch (error) {
      const stays = "the attestation rules changed and cannot be used; the ones before stay";
      const issues = error instanceof WeftError ? error.issues : [];
      const lines = issues.length > 0 ? issues.map((issue) => issueLine(issue)) : [errorLine(error)];
      for (const line of lines) this.#log.error(stays, { error: line });
    }
  }

  #look(): string {
    try {
      const { ino, mtimeNs, ctimeNs, size } = statSync(this.#file, { bigint: true });
      return `${ino} ${mtimeNs} ${ctimeNs} ${size}`;
    } catch (error) {
      return errorLine(error);
    }
  }
}
