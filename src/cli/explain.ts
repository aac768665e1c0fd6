/** `weft explain`: what becomes of a request and why, asked of a running mesh, or with `-f` of files alone. */
import { Command, Option } from "commander";
import { type Explanation, keyText, type SimulatedRequest, type SourceDocument } from "../api/index.ts";
import { WeftError } from "../kernel/index.ts";
import { SimulatedMesh } from "../simulate/index.ts";
import type { Cli } from "./cli.ts";
import { writeExplanation } from "./explanation-text.ts";
import { orOffline } from "./offline-hint.ts";
import { offlineTrustDomain, readOfflineMesh } from "./offline-mesh.ts";
import { structured } from "./render.ts";
import { connectServer } from "./server.ts";
import { collect, type SharedOptions } from "./shared-options.ts";

interface Options extends SharedOptions {
  readonly from?: string;
  readonly to?: string;
  readonly client?: string;
  readonly request?: string;
  readonly header?: readonly string[];
  readonly id?: string;
  readonly protocol?: "http" | "grpc" | "tcp";
  readonly claims?: string;
  readonly file?: readonly string[];
}

export function command(cli: Cli): Command {
  return new Command("explain")
    .argument("[request-id]", "a request that a tap saw, or that a policy refused, lately")
    .option("--from <caller>", "a workload or Service, NAME or NAMESPACE/NAME; or gateway/NAME")
    .option("--to <url>", "where to, as the caller writes it: http://reviews:9080/x, tcp://db:5432")
    .option("--client <address>", "of a client at a gateway")
    .option("-X, --request <method>", "method")
    .option("-H, --header <field>", "name: value; may be given again", collect)
    .option("--id <id>", "x-request-id, by which shares are drawn")
    .option("--claims <json>", "claims of a token, in the place of one")
    .addOption(new Option("--protocol <protocol>", "what is spoken").choices(["http", "grpc", "tcp"]))
    .option("-f, --file <path>", "ask these files and no server; may be given again", collect)
    .action(async (requestId: string | undefined, options: Options) => {
      const explanation =
        requestId === undefined
          ? await orOffline(() => ask(cli, options), "-f PATH asks files and needs none")
          : await (await connectServer(cli, options)).explain({ requestId });
      const text = structured(explanation, options.output);
      if (text === undefined) writeExplanation(cli.output, explanation);
      else cli.output.write(text);
    });
}

async function ask(cli: Cli, options: Options): Promise<Explanation> {
  const request = requestOf(options);
  const { file } = options;
  if (file === undefined) return (await connectServer(cli, options)).explain({ request });
  const { objects, sources } = await readOfflineMesh(file, options.namespace);
  const mesh = SimulatedMesh.of({
    objects,
    trustDomain: offlineTrustDomain,
    nowMs: Date.now(),
    originOf: (key) => originOf(sources.get(keyText(key))),
  });
  return mesh.simulate(request);
}

function originOf(document: SourceDocument | undefined) {
  if (document === undefined) return undefined;
  return {
    file: document.file,
    lineOf: (path: string) => (path === "" ? document.line : document.lineOf(path)),
  };
}

function requestOf(options: Options): SimulatedRequest {
  const { from, to, client, request: method, header = [], id, protocol, claims } = options;
  if (from === undefined || to === undefined) {
    throw new WeftError("usage", "say who calls and where to", {
      hint: "weft explain --from web --to http://reviews:9080/x; or weft explain REQUEST-ID",
    });
  }
  return {
    from: callerOf(from, options.namespace, client),
    url: to,
    ...(method === undefined ? {} : { method }),
    ...(header.length === 0 ? {} : { headers: header.map(fieldOf) }),
    ...(id === undefined ? {} : { requestId: id }),
    ...(protocol === undefined ? {} : { protocol }),
    ...(claims === undefined ? {} : { claims: claimsOf(claims) }),
  };
}

function callerOf(from: string, namespace: string, client: string | undefined): SimulatedRequest["from"] {
  const parts = from.split("/");
  const [first = "", second, third] = parts;
  if (["gateway", "gateways"].includes(first.toLowerCase()) && second !== undefined) {
    const gateway = third === undefined ? `${namespace}/${second}` : `${second}/${third}`;
    return { gateway, ...(client === undefined ? {} : { client }) };
  }
  return { workload: second === undefined ? `${namespace}/${first}` : `${first}/${second}` };
}

function fieldOf(text: string): [string, string] {
  const colon = text.indexOf(":");
  if (colon > 0) return [text.slice(0, colon).trim(), text.slice(colon + 1).trim()];
  throw new WeftError("usage", `-H ${JSON.stringify(text)} is no header`, { hint: 'as in -H "x-user: ann"' });
}

function claimsOf(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // Said below.
  }
  throw new WeftError("usage", `--claims is no JSON object: ${text}`, {
    hint: `as in --claims '{"iss":"https://issuer.example","sub":"ann"}'`,
  });
}
