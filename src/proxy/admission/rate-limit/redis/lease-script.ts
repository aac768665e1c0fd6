/**
 * The one script that decides, run by Redis in one piece. It keeps for each bucket one string, "<parts> <tick>", in the same
 * whole numbers as `TokenBucket`, counted by the server's own clock, which lives until the bucket would be full anyway.
 */
import { createHash } from "node:crypto";
import type { LeaseGrant, LeaseRequest } from "../leases.ts";
import type { RespValue } from "./resp-parser.ts";

/** A bucket that never fills keeps what it has for so long. */
const longestLifeMs = 30 * 24 * 3_600_000;
/** Of a bucket that would be full: a moment more than its clock needs. */
const spareLifeMs = 1_000;
/** So many are leased where there are as many, whatever the share: smaller leases only cost questions. */
const smallestLease = 16;
/** Of what waiting requests leave, one proxy gets no more than this share ahead of need. */
const leaseShare = 4;

// Numbers are written by %.0f: Lua's own form of large ones is rounded. Redis before 5 wants `replicate_commands` for TIME.
export const leaseScript = `
local capacity, perToken, perTick, tickUs = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local need, wish, back, lifeMs = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8]
local time = redis.call('TIME')
local tick = math.floor((tonumber(time[1]) * 1000000 + tonumber(time[2])) / tickUs)
local parts = capacity
local stored = redis.call('GET', KEYS[1])
if stored then
  local storedParts, storedTick = string.match(stored, '^(%d+) (%d+)$')
  if storedParts then
    parts = tonumber(storedParts) + math.max(0, tick - tonumber(storedTick)) * perTick
  end
end
parts = math.min(capacity, parts + back * perToken)
local left = math.floor(parts / perToken)
local granted = math.min(need, left)
left = left - granted
local ahead = math.min(wish, math.max(math.floor(left / ${leaseShare}), math.min(left, ${smallestLease})))
granted = granted + ahead
left = left - ahead
parts = parts - granted * perToken
redis.call('SET', KEYS[1], string.format('%.0f %.0f', parts, tick), 'PX', lifeMs)
local waitUs = 0
if left == 0 then
  if perTick == 0 or capacity < perToken then waitUs = -1
  else waitUs = math.ceil((perToken - parts) / perTick) * tickUs end
end
return {granted, left, waitUs}
`.trim();

export const leaseScriptSha = createHash("sha1").update(leaseScript).digest("hex");

/** Behind the script or its digest. */
export function leaseArguments({ key, rate, need, wish, back }: LeaseRequest): string[] {
  const { capacityParts, partsPerToken, partsPerTick, tickUs, fillUs } = rate;
  const lifeMs = Math.min(longestLifeMs, Math.ceil(fillUs / 1_000) + spareLifeMs);
  const numbers = [capacityParts, partsPerToken, partsPerTick, tickUs, need, wish, back, lifeMs];
  return ["1", key, ...numbers.map(String)];
}

/** Undefined: it is no answer of the script. */
export function readGrant(reply: RespValue): LeaseGrant | undefined {
  if (!Array.isArray(reply) || reply.length !== 3) return undefined;
  const [tokens, remaining, waitUs]: readonly unknown[] = reply;
  if (typeof tokens !== "number" || typeof remaining !== "number" || typeof waitUs !== "number")
    return undefined;
  if (tokens < 0 || remaining < 0) return undefined;
  return { tokens, remaining, waitUs: waitUs < 0 ? Number.POSITIVE_INFINITY : waitUs };
}
