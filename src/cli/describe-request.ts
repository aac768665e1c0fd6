/** `weft describe request ID`: why a request or connection was not let in, by the id that its caller was told; else its hops, where a tap saw it. */
import type { RefusalView, TapRecordView } from "../api/index.ts";
import type { ApiClient } from "../client/index.ts";
import { WeftError } from "../kernel/index.ts";
import type { Cli } from "./cli.ts";
import { plainText } from "./plain-text.ts";
import { structured } from "./render.ts";
import { formatHops } from "./request-hops.ts";
import { connectServer } from "./server.ts";
import type { SharedOptions } from "./shared-options.ts";

export function isRequest(kind: string): boolean {
  return kind === "request" || kind === "requests";
}

export async function describeRequest(
  cli: Cli,
  requestId: string | undefined,
  options: SharedOptions,
): Promise<void> {
  if (requestId === undefined) {
    throw new WeftError("usage", "which request?", {
      hint: "weft describe request ID; the id is in the answer's body and in its x-request-id",
    });
  }
  const client = await connectServer(cli, options);
  const [refusal] = await client.refusals(requestId);
  if (refusal === undefined) {
    const hops = await hopsOf(client, requestId);
    cli.output.write(structured(hops, options.output) ?? formatHops(hops, cli.output));
    return;
  }
  const text = structured(refusal, options.output);
  if (text !== undefined) {
    cli.output.write(text);
    return;
  }
  cli.output.line(cli.output.styled("bold", `request ${plainText(refusal.requestId)}`));
  for (const [label, value] of factsOf(refusal)) {
    if (value !== "") cli.output.line(`${label.padEnd(12)} ${plainText(value)}`);
  }
}

/** Rejects with `not_found`. */
async function hopsOf(client: ApiClient, requestId: string): Promise<readonly TapRecordView[]> {
  try {
    return await client.tappedRequest(requestId);
  } catch (error) {
    if (!(error instanceof WeftError) || !["not_found", "forbidden"].includes(error.code)) throw error;
    throw new WeftError("not_found", `no refusal of request ${requestId} is remembered, and no tap saw it`, {
      hint: "proxies report every few seconds, and only the newest are kept; the access log has them all",
    });
  }
}

function factsOf(refusal: RefusalView): [string, string][] {
  const { service, destination, port } = refusal;
  const place = `${destination} port ${port}${service === "" ? "" : `, called as ${service}`}`;
  const isForwarded = refusal.remoteAddress !== refusal.sourceAddress;
  return [
    ["time", new Date(refusal.timeMs).toISOString()],
    ["refused by", refusal.proxy],
    ["reason", refusal.reason],
    ["policy", refusal.policy],
    ["rule", refusal.rule],
    ["why", refusal.detail],
    ["fix", refusal.fix],
    ["from", [refusal.sourceIdentity, refusal.sourceAddress].filter((each) => each !== "").join(" at ")],
    ["client", isForwarded ? refusal.remoteAddress : ""],
    ["to", place],
    [refusal.protocol, [refusal.method, `${refusal.authority}${refusal.path}`].join(" ").trim()],
  ];
}
