/** Which exchanges and connections have a line: what failed always has where there is a log, of the rest a share. Pure. */
import type { PreparedAccessLog, TelemetryFacts } from "../../decide/telemetry/index.ts";
import { isGrpcServerFault } from "../../kernel/index.ts";
import type { HttpOutcome, TcpOutcome } from "../observation/index.ts";

const million = 1_000_000;

/** A status of 500 and more, a status of gRPC that a server is to blame for, or any reason code. */
export function isFailure(outcome: HttpOutcome | TcpOutcome): boolean {
  if (outcome.reason !== undefined) return true;
  if (!("status" in outcome)) return false;
  return outcome.status >= 500 || (outcome.grpcStatus !== undefined && isGrpcServerFault(outcome.grpcStatus));
}

/** `facts` undefined: they cannot be had, and what the filter cannot be asked about is logged. `random` is in [0, 1). */
export function isChosen(
  { filter, samplingPpm }: PreparedAccessLog,
  outcome: HttpOutcome | TcpOutcome,
  { facts, random }: { readonly facts: TelemetryFacts | undefined; readonly random: () => number },
): boolean {
  if (filter !== undefined && facts !== undefined && !filter(facts)) return false;
  return samplingPpm >= million || isFailure(outcome) || random() * million < samplingPpm;
}
