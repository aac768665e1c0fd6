/**
 * Which traces are kept. At the head: as the parent says, else by a share of the trace ids, so that proxies with the same
 * share keep the same traces without telling each other. At the end: also what failed, was tried again, or was slow. Pure.
 */
import type { PreparedTracing } from "../../decide/telemetry/index.ts";

/** What an exchange came to. */
export interface TraceEnd {
  /** A status of 500 and more, a gRPC status that stands for one, any reason code, or a try that failed. */
  readonly isFailed: boolean;
  /** 0 where its length says nothing: of tunnels. */
  readonly durationUs: number;
}

const million = 1_000_000;
const words = 2 ** 32;
/** Of the digits of a trace id, those that decide. */
const randomAt = 24;
const wordsOfDigit = words / 16;
const zero = 0x30;
const nine = 0x39;
/** "a" is ten. */
const beforeLetterA = 0x61 - 10;

/** `parentSays` undefined: there is no parent, or it leaves it to us. */
export function isSampledAtHead(
  settings: PreparedTracing,
  traceId: string,
  parentSays: boolean | undefined,
): boolean {
  if (settings.followsParent && parentSays !== undefined) return parentSays;
  const { samplingPpm } = settings;
  if (samplingPpm <= 0) return false;
  if (samplingPpm >= million) return true;
  // The lower half is random in ids of 64 bits too. Its first digit settles most.
  const bound = (samplingPpm / million) * words;
  const first = traceId.charCodeAt(randomAt);
  const least = (first <= nine ? first - zero : first - beforeLetterA) * wordsOfDigit;
  return least < bound && Number.parseInt(traceId.slice(randomAt), 16) < bound;
}

/** By the settings of the route that was taken: they may differ from those that the head was decided by. */
export function isKeptAtEnd(settings: PreparedTracing, isSampled: boolean, end: TraceEnd): boolean {
  if (!settings.isEnabled) return false;
  if (isSampled) return true;
  if (settings.keepsErrors && end.isFailed) return true;
  return settings.keepsSlowerThanMs > 0 && end.durationUs > settings.keepsSlowerThanMs * 1_000;
}
