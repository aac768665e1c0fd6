/** What filters get of a proxy, with clusters that lead to services on this machine's loopback, over real sockets. */
import { create } from "@bufbuild/protobuf";
import { type Log, silentLog, systemClock } from "../../../../kernel/index.ts";
import {
  ClusterSchema,
  EndpointSchema,
  type ExternalAuthorization,
  ExternalAuthorizationSchema,
  Health,
  MeshSchema,
  Protocol,
  Tunnel,
} from "../../../../model/index.ts";
import { TimerWheel } from "../../../../net/index.ts";
import { defaultCodecs } from "../../../testing/default-codecs.ts";
import { fakeSnapshot } from "../../../testing/fake-agent.ts";
import { HopDialer, RequestLimit, Upstreams } from "../../../upstream/index.ts";
import type { AdmissionContext } from "../../context.ts";
import type { RequestFilter } from "../../filter.ts";
import { maxQuestionsInFlight } from "../bounds.ts";
import { externalAuthorization } from "../external-authorization.ts";

const cluster = "default/auth:80";

export class AskingProxy implements AdmissionContext {
  readonly clock = systemClock;
  readonly wheel = new TimerWheel(systemClock, 10, 64);
  readonly random = Math.random;
  readonly workload = "shop/cart-1";
  readonly processes = 1;
  readonly externalQuestions = new RequestLimit(maxQuestionsInFlight);
  /** "ext_authz ok", in their order. */
  readonly asked: string[] = [];
  readonly warnings: string[] = [];
  readonly log: Log = { ...silentLog, warn: (message) => void this.warnings.push(message) };
  readonly metrics = {
    asked: (kind: string, outcome: string) => void this.asked.push(`${kind} ${outcome}`),
    token() {},
  };
  readonly upstreams: Upstreams;

  constructor(ports: readonly number[], protocol = Protocol.UNSPECIFIED) {
    const identity = { certChainPem: "", privateKeyPem: "", trustRootsPem: "" };
    const dialer = new HopDialer({
      identity: () => identity,
      sourceWorkload: this.workload,
      mark: undefined,
      limits: defaultCodecs(),
    });
    this.upstreams = new Upstreams(dialer, systemClock, "client");
    const endpoints = ports.map((port) =>
      create(EndpointSchema, {
        cluster,
        workload: `default/auth-${port}`,
        address: "127.0.0.1",
        port,
        tunnel: Tunnel.NONE,
        weight: 1,
        health: Health.HEALTHY,
      }),
    );
    const model = create(ClusterSchema, {
      namespace: "default",
      service: "auth",
      port: 80,
      protocol,
      connectTimeoutMs: 500,
    });
    this.upstreams.applySnapshot(
      fakeSnapshot({ mesh: create(MeshSchema, {}), clusters: [model], endpoints }),
    );
  }

  mesh(): undefined {
    return undefined;
  }

  cluster(key: string): ReturnType<Upstreams["cluster"]> {
    return this.upstreams.cluster(key);
  }

  filter(init: Partial<Omit<ExternalAuthorization, "source">>): RequestFilter {
    const model = create(ExternalAuthorizationSchema, {
      source: { kind: "AuthorizationPolicy", namespace: "shop", name: "ask" },
      cluster,
      timeoutMs: 2_000,
    });
    Object.assign(model, init);
    return externalAuthorization(model, this);
  }

  [Symbol.dispose](): void {
    this.upstreams.close();
  }
}
