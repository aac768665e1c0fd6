/** What a client of the API asks about traffic: who calls whom, figures over time, live requests, and what is wrong. */
import type { TSchema } from "typebox";
import {
  decodeMessage,
  type FindingDocument,
  findingListSchema,
  type ServiceSummaries,
  serviceSummariesSchema,
  type ServiceViewDocument,
  serviceViewSchema,
  type SignalsDocument,
  signalsSchema,
  type TapEvent,
  tappedRequestSchema,
  type TapRecordView,
  type Topology,
  topologySchema,
  type ValueOf,
} from "../api/index.ts";
import { tapEvents, tapPath, type TapQuery } from "./tap.ts";
import { type SignalsQuestion, textsOf, type TopologyQuestion } from "./telemetry-questions.ts";
import { Transport, type TransportOptions } from "./transport.ts";

export const meshPath = "/apis/weft.dev/v1alpha1";

/** Every method rejects with WeftError: `unreachable` where nobody answers, else what the server said. */
export abstract class TrafficClient {
  protected readonly transport: Transport;

  constructor(options: TransportOptions) {
    this.transport = new Transport(options);
  }

  /** Live traffic, until the server ends it or `signal` fires. */
  tap(query: TapQuery, signal?: AbortSignal): AsyncGenerator<TapEvent> {
    return tapEvents(this.transport, tapPath(meshPath, query), signal);
  }

  /** Hops of one request that some tap saw, in causal order. Rejects with `not_found`. */
  async tappedRequest(id: string): Promise<readonly TapRecordView[]> {
    const body = await this.transport.json(`${meshPath}/requests/${encodeURIComponent(id)}`);
    return this.decode(tappedRequestSchema, body).hops;
  }

  async topology(windowSeconds: number, question: TopologyQuestion = {}): Promise<Topology> {
    const query = { window: String(windowSeconds), ...textsOf(question) };
    return this.decode(topologySchema, await this.transport.json(`${meshPath}/topology`, { query }));
  }

  /** Exactly one of `service` and `workload` is given. */
  async signals(question: SignalsQuestion): Promise<SignalsDocument> {
    const query = textsOf(question);
    return this.decode(signalsSchema, await this.transport.json(`${meshPath}/signals`, { query }));
  }

  /** `namespace`: absent: of all. */
  async services(windowSeconds: number, namespace?: string): Promise<ServiceSummaries> {
    const query = { window: String(windowSeconds), namespace };
    return this.decode(serviceSummariesSchema, await this.transport.json(`${meshPath}/services`, { query }));
  }

  /** Rejects with `not_found` where there is no such service. */
  async serviceView(namespace: string, name: string, windowSeconds: number): Promise<ServiceViewDocument> {
    const path = `${meshPath}/serviceviews/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`;
    const query = { window: String(windowSeconds) };
    return this.decode(serviceViewSchema, await this.transport.json(path, { query }));
  }

  /** What is wrong, and what is worth a look; `namespace` narrows what is about traffic. */
  async findings(namespace?: string): Promise<readonly FindingDocument[]> {
    const body = await this.transport.json(`${meshPath}/findings`, { query: { namespace } });
    return this.decode(findingListSchema, body).items;
  }

  protected decode<S extends TSchema>(schema: S, body: unknown): ValueOf<S> {
    const decoded = decodeMessage(schema, body, "response");
    if ("object" in decoded) return decoded.object;
    throw this.transport.unreadable(`an answer that cannot be read${firstIssue(decoded.issues)}`);
  }
}

export function firstIssue(issues: readonly { readonly path: string; readonly message: string }[]): string {
  const [first] = issues;
  return first === undefined ? "" : ` (${first.path}: ${first.message})`;
}
