/** What a rule of an HTTPRoute says itself of how its requests are carried, in the words of policies. */
import type { RuleInput } from "../route-input.ts";
import type { TrafficSettings } from "./policy-input.ts";

export interface RouteSettings {
  /** Nearer than any policy. */
  readonly own: TrafficSettings;
  /** What follows from it where no policy of the route says otherwise. */
  readonly implied: TrafficSettings;
}

/** Whoever asks for retries means lost connections and timeouts too (GEP-1731), beside the statuses that he lists. */
const lost = ["connect-failure", "reset", "try-timeout"] as const;

export function routeSettings({ timeouts, retry }: Pick<RuleInput, "timeouts" | "retry">): RouteSettings {
  const { request, backendRequest } = timeouts ?? {};
  const { codes, attempts, backoff } = retry ?? {};
  const own: TrafficSettings = {
    ...(timeouts === undefined
      ? {}
      : {
          timeouts: {
            ...(request === undefined ? {} : { request }),
            ...(backendRequest === undefined ? {} : { try: backendRequest }),
          },
        }),
    ...(retry === undefined
      ? {}
      : {
          retries: {
            ...(attempts === undefined ? {} : { attempts }),
            ...(codes === undefined ? {} : { on: [...lost, ...codes] }),
            ...(backoff === undefined ? {} : { backoff: { base: backoff } }),
          },
        }),
  };
  return { own, implied: retry === undefined ? {} : { retries: { on: [...lost, 503] } } };
}
