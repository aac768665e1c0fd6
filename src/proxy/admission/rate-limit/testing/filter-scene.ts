/** Filters of rate limits without a proxy around them: a context with clusters on loopback, and requests that note what is done to them. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { AdmissionRequest } from "../../../../decide/index.ts";
import type { HeaderLine } from "../../../../http1/index.ts";
import { HeaderFields } from "../../../../http2/index.ts";
import { type Clock, createLog, systemClock } from "../../../../kernel/index.ts";
import {
  ClusterSchema,
  EndpointSchema,
  Health,
  MeshSchema,
  Protocol,
  type RateLimit,
  RateLimitSchema,
  Tunnel,
} from "../../../../model/index.ts";
import { TimerWheel } from "../../../../net/index.ts";
import { Http2Request } from "../../../http/index.ts";
import { defaultCodecs } from "../../../testing/default-codecs.ts";
import { fakeSnapshot } from "../../../testing/fake-agent.ts";
import { RequestLimit, Upstreams } from "../../../upstream/index.ts";
import { HopDialer } from "../../../upstream/hop.ts";
import type { AdmissionContext } from "../../context.ts";
import type { FilteredExchange, FilterRefusal, FilterStep, PolicyDeed, RequestFilter } from "../../filter.ts";
import { rateLimitFilter } from "../rate-limit-filter.ts";

export interface SceneOptions {
  readonly clock?: Clock;
  readonly processes?: number;
  /** Of loopback, by the cluster's key; a port that may change. */
  readonly clusters?: Readonly<Record<string, number>>;
  readonly protocol?: Protocol;
}

/** A proxy as far as its rate limits see it. */
export class Scene {
  readonly clock: Clock;
  readonly log: string[] = [];
  readonly asked = new Map<string, number>();
  readonly context: AdmissionContext;
  readonly #wheel: TimerWheel;
  readonly #filters: RequestFilter[] = [];
  readonly #upstreams: Upstreams;

  constructor(options: SceneOptions = {}) {
    const { clock = systemClock, processes = 1, clusters = {}, protocol = Protocol.TCP } = options;
    this.clock = clock;
    this.#wheel = new TimerWheel(clock, 10, 64);
    const dialer = new HopDialer({
      identity: () => ({ certChainPem: "", privateKeyPem: "", trustRootsPem: "" }),
      sourceWorkload: "default/web",
      mark: undefined,
      limits: defaultCodecs(),
    });
    const upstreams = new Upstreams(dialer, clock, "client");
    this.#upstreams = upstreams;
    upstreams.applySnapshot(snapshotOf(clusters, protocol));
    this.context = {
      clock,
      wheel: this.#wheel,
      random: Math.random,
      log: createLog({ format: "text", level: "info", write: (line) => void this.log.push(line) }),
      workload: "default/web",
      processes,
      externalQuestions: new RequestLimit(1),
      mesh: () => create(MeshSchema, {}),
      cluster: (key) => upstreams.cluster(key),
      metrics: {
        asked: (kind, outcome) => {
          const name = `${kind} ${outcome}`;
          this.asked.set(name, (this.asked.get(name) ?? 0) + 1);
        },
        token: () => {},
      },
    };
  }

  filter(...limits: readonly MessageInitShape<typeof RateLimitSchema>[]): RequestFilter {
    return this.filterOf(limits.map((limit) => limitOf(limit)));
  }

  filterOf(limits: readonly RateLimit[]): RequestFilter {
    const filter = rateLimitFilter(limits, this.context);
    this.#filters.push(filter);
    return filter;
  }

  count(name: string): number {
    return this.asked.get(name) ?? 0;
  }

  close(): void {
    for (const filter of this.#filters) filter.close?.();
    this.#wheel.close();
    this.#upstreams.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

export function limitOf(init: MessageInitShape<typeof RateLimitSchema>): RateLimit {
  const limit = create(RateLimitSchema, init);
  const { source } = create(RateLimitSchema, {
    source: { kind: "RateLimitPolicy", namespace: "shop", name: "p", section: "limits[0]" },
  });
  return { ...limit, source: limit.source ?? source };
}

function snapshotOf(clusters: Readonly<Record<string, number>>, protocol: Protocol) {
  const parts = Object.entries(clusters).map(([key, port]) => {
    const [path = "", servicePort = "0"] = key.split(":");
    const [namespace = "", service = ""] = path.split("/");
    return {
      cluster: create(ClusterSchema, {
        namespace,
        service,
        port: Number(servicePort),
        protocol,
        connectTimeoutMs: 1_000,
      }),
      endpoint: create(EndpointSchema, {
        cluster: key,
        workload: `${path}-1`,
        address: "127.0.0.1",
        port,
        tunnel: Tunnel.NONE,
        weight: 1,
        health: Health.HEALTHY,
      }),
    };
  });
  return fakeSnapshot({
    mesh: create(MeshSchema, {}),
    clusters: parts.map(({ cluster }) => cluster),
    endpoints: parts.map(({ endpoint }) => endpoint),
  });
}

export interface RequestInit {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly identity?: string;
  readonly isTcp?: boolean;
}

export class FakeExchange implements FilteredExchange {
  readonly request: AdmissionRequest;
  readonly head: Http2Request | undefined;
  claims: undefined = undefined;
  readonly lines: HeaderLine[] = [];
  readonly deeds: PolicyDeed[] = [];

  constructor({ method = "GET", headers = {}, identity = "", isTcp = false }: RequestInit = {}) {
    const fields = HeaderFields.of([
      [":method", method],
      [":scheme", "http"],
      [":path", "/"],
      [":authority", "shop.example"],
      ...Object.entries(headers),
    ]);
    this.head = isTcp ? undefined : new Http2Request(fields, true);
    this.request = {
      caller: {
        identity,
        address: "10.0.0.1",
        addressPort: 4_711,
        isTls: true,
        serverName: "",
        port: 8_080,
        service: "shop/cart",
        destination: "shop/cart-1",
      },
      remoteAddress: "203.0.113.9",
      http: isTcp
        ? undefined
        : {
            method,
            path: "/",
            query: "",
            authority: "shop.example",
            scheme: "http",
            version: "HTTP/1.1",
            isGrpc: false,
            requestId: "r",
            header: (name) => headers[name],
          },
      claims: undefined,
      nowMs: 0,
    };
  }

  /** The fields of the client's answer. */
  get answer(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.lines.map(({ nameLower, value }) => [nameLower, value]));
  }

  addAnswerLine(line: HeaderLine): void {
    this.lines.push(line);
  }

  note(deed: PolicyDeed): void {
    this.deeds.push(deed);
  }

  setRequestHeader(): void {}
  setRequestLine(): void {}

  addRequestHeader(): void {}
  setRequestQuery(): void {}
  removeRequestHeader(): void {}
  setAnswerHeader(): void {}
  readBody(): void {}
}

/** The verdict, at once or later. */
export function verdictOf(
  filter: RequestFilter,
  exchange: FakeExchange = new FakeExchange(),
): Promise<"continue" | FilterRefusal> {
  return new Promise((resolve) => {
    const step: FilterStep = filter.start(exchange, { resume: resolve });
    if (step !== "suspended") resolve(step);
  });
}

export async function isAdmitted(filter: RequestFilter, init?: RequestInit): Promise<boolean> {
  return (await verdictOf(filter, new FakeExchange(init))) === "continue";
}
