/**
 * One proxy as the control plane sees it: weft's own gRPC client on a TLS connection with its own certificate, the requests
 * and the acknowledgements of the agent's stream, and its way of coming back. It keeps nothing of what it is sent.
 */
import { create, fromBinary } from "@bufbuild/protobuf";
import { type BidiStream, GrpcClient } from "../../src/grpc/index.ts";
import { EndpointSchema, typeUrl } from "../../src/model/index.ts";
import { meshServerName, type TlsIdentity } from "../../src/net/index.ts";
import { Backoff } from "../../src/proxy/agent/backoff.ts";
import {
  AggregatedDiscoveryService,
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  Workloads,
} from "../../src/wire/index.ts";
import { demandsOf, labelsOf, type MeshProxy, type MeshShape, workloadAddressOf } from "./mesh.ts";

export interface SimulatedProxyOptions {
  readonly proxy: MeshProxy;
  readonly shape: MeshShape;
  readonly port: number;
  readonly identity: TlsIdentity;
  /** Where it dials from: an address of its machine. */
  readonly localAddress: string;
  /** Whether an endpoint that comes is told; others are not even read. */
  readonly isAwaited: (endpoint: string) => boolean;
  /** A commit is acknowledged; which awaited endpoints came with it, and their addresses. */
  readonly onCommit: (endpoints: readonly ArrivedEndpoint[]) => void;
  /** Its stream ended, and it will try again. */
  readonly onLost: (why: string) => void;
}

export interface ArrivedEndpoint {
  readonly key: string;
  readonly address: string;
}

type Stream = BidiStream<DeltaDiscoveryResponse, DeltaDiscoveryRequest>;

/** As the agent's (`ads-client.ts`). */
const reconnectLimits = { minMs: 100, maxMs: 3_000 };
const commitUrl = typeUrl("Commit");
const endpointUrl = typeUrl("Endpoint");

export class SimulatedProxy {
  readonly #options: SimulatedProxyOptions;
  readonly #client: GrpcClient;
  readonly #backoff = new Backoff(reconnectLimits, Math.random);
  #held: { readonly url: string; readonly nonce: string }[] = [];
  #endpoints: ArrivedEndpoint[] = [];
  #timer: Timer | undefined;
  #generation = 0;
  #isClosed = false;

  constructor(options: SimulatedProxyOptions) {
    this.#options = options;
    const { identity, port, localAddress } = options;
    this.#client = new GrpcClient({
      address: "127.0.0.1",
      port,
      localAddress,
      tls: {
        identity,
        trustRootsPem: identity.trustRootsPem,
        serverName: meshServerName,
        alpn: ["h2"],
        verifyPeer: (peer) =>
          peer.uriSans.some((uri) => uri.endsWith("/ns/weft-system/sa/control"))
            ? undefined
            : "peer_untrusted",
      },
    });
  }

  open(): void {
    const { proxy } = this.#options;
    this.#held = [];
    this.#endpoints = [];
    const stream = this.#client.bidi(AggregatedDiscoveryService.method.deltaAggregatedResources, {
      onMessage: (response) => this.#receive(stream, response),
      onClose: ({ code, message }) => this.#lost(`${code} ${message}`.slice(0, 200)),
    });
    const { outbounds, names, addresses } = demandsOf(proxy);
    send(stream, {
      typeUrl: typeUrl("Mesh"),
      node: {
        $typeName: "envoy.service.discovery.v3.Node",
        id: `${proxy.namespace}/${proxy.name}`,
        cluster: "",
        userAgentName: "bench",
        userAgentVersion: "",
        metadata: { role: "sidecar" },
      },
    });
    send(stream, { typeUrl: typeUrl("Outbound"), resourceNamesSubscribe: outbounds });
    send(stream, { typeUrl: typeUrl("Name"), resourceNamesSubscribe: names });
    send(stream, { typeUrl: typeUrl("Address"), resourceNamesSubscribe: addresses });
  }

  /** As an instance that came up again elsewhere says it. Returns the new address; `done` resolves when it is stored. */
  move(): { readonly address: string; readonly done: Promise<void> } {
    this.#generation++;
    const { proxy, shape } = this.#options;
    const replica = Math.floor(proxy.index / shape.services);
    const address = workloadAddressOf(shape, proxy.service, replica, this.#generation);
    const done = this.#client
      .unary(Workloads.method.register, {
        namespace: proxy.namespace,
        name: proxy.name,
        serviceAccount: proxy.name,
        labels: labelsOf(proxy.service),
        addresses: [address],
        ports: [{ port: 8080, name: "http", protocol: "http" }],
      })
      .then(() => undefined);
    return { address, done };
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#client.close();
  }

  #receive(stream: Stream, response: DeltaDiscoveryResponse): void {
    const { typeUrl: url, nonce } = response;
    this.#held.push({ url, nonce });
    if (url === endpointUrl) this.#noteEndpoints(response);
    if (url !== commitUrl) return;
    this.#backoff.reset();
    for (const answer of this.#held.splice(0)) {
      send(stream, { typeUrl: answer.url, responseNonce: answer.nonce });
    }
    this.#options.onCommit(this.#endpoints.splice(0));
  }

  #noteEndpoints({ resources }: DeltaDiscoveryResponse): void {
    for (const { name, resource } of resources) {
      if (resource === undefined || !this.#options.isAwaited(name)) continue;
      const { address } = fromBinary(EndpointSchema, resource.value);
      this.#endpoints.push({ key: name, address });
    }
  }

  #lost(why: string): void {
    if (this.#isClosed) return;
    this.#options.onLost(why);
    this.#timer = setTimeout(() => this.open(), this.#backoff.nextMs());
  }
}

function send(stream: Stream, request: Partial<Omit<DeltaDiscoveryRequest, "$typeName" | "$unknown">>): void {
  stream.send(create(DeltaDiscoveryRequestSchema, request));
}
