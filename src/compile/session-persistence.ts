/** Session persistence of a rule or a policy, in the form that proxies run. */
import { milliseconds } from "../api/index.ts";
import type { SessionPersistenceSchema } from "../model/index.ts";
import type { TrafficSettings } from "./policy/policy-input.ts";
import type { InitOf } from "./resource.ts";

/** Names the cookie or header of a session that has no name; two owners behind one host must not share one. */
const nameDigits = 8;

/** `owner`: what the session belongs to, such as a cluster's key. `path`: where the cookie is sent back to. */
export function compileSession(
  session: NonNullable<TrafficSettings["sessionPersistence"]>,
  owner: string,
  path = "/",
): InitOf<typeof SessionPersistenceSchema> {
  const { sessionName = "" } = session;
  const name = sessionName === "" ? madeName(owner) : sessionName;
  const absoluteTimeoutSeconds = wholeSeconds(session.absoluteTimeout);
  const isPermanent = session.cookieConfig?.lifetimeType === "Permanent";
  return {
    absoluteTimeoutSeconds,
    idleTimeoutSeconds: wholeSeconds(session.idleTimeout),
    carrier:
      session.type === "Header"
        ? { case: "header", value: name.toLowerCase() }
        : {
            case: "cookie",
            value: { name, path, maxAgeSeconds: isPermanent ? absoluteTimeoutSeconds : 0 },
          },
  };
}

function madeName(owner: string): string {
  const digest = new Bun.CryptoHasher("sha256").update(owner).digest("hex");
  return `weft-session-${digest.slice(0, nameDigits)}`;
}

/** Rounded up: what is not 0 stays so. */
export function wholeSeconds(duration: string | undefined): number {
  return Math.ceil((milliseconds(duration) ?? 0) / 1_000);
}
