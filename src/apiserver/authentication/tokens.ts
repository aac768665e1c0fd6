/** Bearer tokens that this control plane holds: the instance's own, and those of a file in Kubernetes' form. Kept as hashes only. */
import { createHash, timingSafeEqual } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { WeftError } from "../../kernel/index.ts";
import type { TokenAuthenticator } from "./authenticator.ts";
import { type Caller, callerOf, instanceUser, mastersGroup } from "./caller.ts";

/** Each is compared for each request, so that the time tells nothing. */
const maxTokens = 1_000;
/** Shorter ones can be guessed. */
const minTokenLength = 16;

interface KnownToken {
  readonly hash: Uint8Array;
  readonly caller: Caller;
}

export class KnownTokens implements TokenAuthenticator {
  readonly #tokens: readonly KnownToken[];

  constructor(tokens: readonly { readonly token: string; readonly caller: Caller }[]) {
    this.#tokens = tokens.map(({ token, caller }) => ({ hash: hashOf(token), caller: callerOf(caller) }));
  }

  authenticate(token: string): Caller | undefined {
    const hash = hashOf(token);
    let found: Caller | undefined;
    // Hashes have one length whatever the tokens' are, and all of them are looked at.
    for (const known of this.#tokens) if (timingSafeEqual(hash, known.hash)) found = known.caller;
    return found;
  }
}

export function instanceToken(token: string): KnownTokens {
  return new KnownTokens([
    { token, caller: { user: instanceUser, groups: [mastersGroup], method: "instance_token" } },
  ]);
}

/** `token,user,uid,"group1,group2"` in each line. Throws `permission` where others can read it, `bad_input` with file and line. */
export function readTokenFile(file: string): KnownTokens {
  let text: string;
  try {
    if ((statSync(file).mode & 0o077) !== 0) {
      throw new WeftError("permission", `${file} can be read by others`, { hint: `chmod 600 ${file}` });
    }
    text = readFileSync(file, "utf8");
  } catch (cause) {
    if (cause instanceof WeftError) throw cause;
    throw new WeftError("io", `the token file ${file} cannot be read`, { cause });
  }
  const tokens = text.split(/\r?\n/).flatMap((line, index) => {
    if (line.trim() === "" || line.startsWith("#")) return [];
    const fields = csvFields(line);
    const [token = "", user = "", uid = "", groups = ""] = fields ?? [];
    const problem =
      fields === undefined || fields.length < 3 || fields.length > 4
        ? 'is not of the form token,user,uid,"group1,group2"'
        : token.length < minTokenLength
          ? `has a token of fewer than ${minTokenLength} characters`
          : user === ""
            ? "names no user"
            : undefined;
    if (problem !== undefined) {
      const issues = [{ path: "", message: problem, file, line: index + 1 }];
      throw new WeftError("bad_input", `${file}:${index + 1} ${problem}`, { issues });
    }
    const caller: Caller = {
      user,
      uid,
      groups: groups
        .split(",")
        .map((group) => group.trim())
        .filter((group) => group !== ""),
      method: "static_token",
    };
    return [{ token, caller }];
  });
  if (tokens.length > maxTokens)
    throw new WeftError("bad_input", `${file} holds more than ${maxTokens} tokens`);
  if (new Set(tokens.map(({ token }) => token)).size < tokens.length) {
    throw new WeftError("bad_input", `${file} holds one token twice`);
  }
  return new KnownTokens(tokens);
}

/** RFC 4180, one line. Undefined where a quote does not end. */
function csvFields(line: string): string[] | undefined {
  const fields: string[] = [];
  const field = /\s*(?:"((?:[^"]|"")*)"|([^,"]*))\s*(,|$)/y;
  for (;;) {
    const match = field.exec(line);
    if (match === null) return undefined;
    fields.push(match[1]?.replaceAll('""', '"') ?? (match[2] ?? "").trim());
    if (match[3] === "") return fields;
  }
}

function hashOf(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}
