/** Session persistence of a rule, in the form that proxies run. */
import { create } from "@bufbuild/protobuf";
import { parseDurationMs } from "../api/index.ts";
import { type SessionPersistence, SessionPersistenceSchema, type Source } from "../model/index.ts";
import type { SessionInput } from "./route-input.ts";

/** Names the cookie or header of a rule that does not; two rules behind one host must not share one. */
const nameDigits = 8;

/** `path`: where the cookie is sent back to. */
export function compileSession(
  session: SessionInput,
  { kind, namespace, name, section }: Pick<Source, "kind" | "namespace" | "name" | "section">,
  path = "/",
): SessionPersistence {
  const digest = new Bun.CryptoHasher("sha256").update(`${kind} ${namespace}/${name} ${section}`);
  const made = `weft-session-${digest.digest("hex").slice(0, nameDigits)}`;
  const sessionName =
    session.sessionName === undefined || session.sessionName === "" ? made : session.sessionName;
  const absoluteTimeoutSeconds = Math.ceil((parseDurationMs(session.absoluteTimeout ?? "0s") ?? 0) / 1_000);
  const isPermanent = session.cookieConfig?.lifetimeType === "Permanent";
  return create(SessionPersistenceSchema, {
    absoluteTimeoutSeconds,
    carrier:
      session.type === "Header"
        ? { case: "header", value: sessionName.toLowerCase() }
        : {
            case: "cookie",
            value: { name: sessionName, path, maxAgeSeconds: isPermanent ? absoluteTimeoutSeconds : 0 },
          },
  });
}
