/** A proxy as the control plane sees one: its own key, a certificate by join token, a discovery stream that acknowledges what it is sent. */
import { create, fromBinary } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { type BidiStream, GrpcClient } from "../../grpc/index.ts";
import { derToPem, generateKeyAndCsr } from "../../identity/x509/index.ts";
import { meshServerName, type TlsIdentity } from "../../net/index.ts";
import { CommitSchema, type ModelKind, typeUrl } from "../../model/index.ts";
import {
  AggregatedDiscoveryService,
  Certificates,
  type DeltaDiscoveryRequest,
  type DeltaDiscoveryResponse,
  RefusedResourcesSchema,
  type Status,
  StatusSchema,
} from "../../wire/index.ts";

export interface ControlAddress {
  readonly ads: { readonly address: string; readonly port: number };
  readonly trustRootsPem: string;
}

export function clientOf(control: ControlAddress, identity?: TlsIdentity): GrpcClient {
  return new GrpcClient({
    address: control.ads.address,
    port: control.ads.port,
    tls: () => ({
      identity,
      trustRootsPem: control.trustRootsPem,
      serverName: meshServerName,
      alpn: ["h2"],
      verifyPeer: (peer) =>
        peer.uriSans.some((uri) => uri.endsWith("/ns/weft-system/sa/control")) ? undefined : "peer_untrusted",
    }),
  });
}

export async function join(control: ControlAddress, workload: string, token: string): Promise<TlsIdentity> {
  const { privateKeyPem, csrDer } = generateKeyAndCsr();
  const client = clientOf(control);
  try {
    const issued = await client.unary(
      Certificates.method.issue,
      { csr: csrDer, workload },
      { metadata: new Map([["authorization", `Bearer ${token}`]]) },
    );
    return {
      certChainPem: issued.chain.map((der) => derToPem(der)).join(""),
      privateKeyPem,
      trustRootsPem: issued.trustRoots.map((der) => derToPem(der)).join(""),
    };
  } finally {
    client.close();
  }
}

type Stream = BidiStream<DeltaDiscoveryResponse, DeltaDiscoveryRequest>;

/** Holds what it was sent, as bytes by "kind key", and the revisions of the commits. */
export class TestProxy {
  readonly resources = new Map<string, Uint8Array>();
  readonly commits: number[] = [];
  /** As it came: "+Kind key", "-Kind key", "Commit". */
  readonly lines: string[] = [];
  closed: string | undefined;
  /** Answers wait until `acknowledge`. */
  isHoldingAnswers = false;
  /** Why it cannot use it, by "kind key": of such it keeps what it had. */
  readonly refuses = new Map<string, string>();
  readonly #stream: Stream;
  readonly #held: { url: string; nonce: string; error: Status | undefined }[] = [];
  #waiters: { isDone: () => boolean; resolve: () => void }[] = [];

  /** `revision`: what it says that it runs; 0: nothing. */
  constructor(client: GrpcClient, id: string, role = "sidecar", revision = 0) {
    this.#stream = client.bidi(AggregatedDiscoveryService.method.deltaAggregatedResources, {
      onMessage: (response) => this.#receive(response),
      onClose: (status) => {
        this.closed = status.code;
        this.#wake();
      },
    });
    this.#send({
      typeUrl: typeUrl("Mesh"),
      node: { id, metadata: { role, ...(revision === 0 ? {} : { revision }) } },
    });
  }

  subscribe(kind: ModelKind, ...keys: string[]): void {
    this.#send({ typeUrl: typeUrl(kind), resourceNamesSubscribe: keys });
  }

  acknowledge(): void {
    this.isHoldingAnswers = false;
    for (const { url, nonce, error } of this.#held.splice(0))
      this.#send({ typeUrl: url, responseNonce: nonce, error });
  }

  /** The test's own time limit ends a wait for what never comes. */
  until(isDone: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters.push({ isDone, resolve });
      this.#wake();
    });
  }

  close(): void {
    this.#stream.close({ code: "cancelled", message: "" });
  }

  #send(request: {
    typeUrl: string;
    node?: { id: string; metadata: Record<string, string | number> };
    resourceNamesSubscribe?: string[];
    responseNonce?: string;
    error?: Status | undefined;
  }): void {
    const { node, resourceNamesSubscribe = [], responseNonce = "", error } = request;
    this.#stream.send({
      $typeName: "envoy.service.discovery.v3.DeltaDiscoveryRequest",
      typeUrl: request.typeUrl,
      resourceNamesSubscribe,
      resourceNamesUnsubscribe: [],
      initialResourceVersions: {},
      responseNonce,
      ...(error === undefined ? {} : { errorDetail: error }),
      ...(node === undefined
        ? {}
        : {
            node: {
              $typeName: "envoy.service.discovery.v3.Node",
              cluster: "",
              userAgentName: "test",
              userAgentVersion: "",
              ...node,
            },
          }),
    });
  }

  #receive(response: DeltaDiscoveryResponse): void {
    const kind = response.typeUrl.split(".").at(-1) ?? "";
    const refused: { name: string; why: string }[] = [];
    for (const { name, resource } of response.resources) {
      const bytes = resource?.value ?? new Uint8Array();
      this.lines.push(kind === "Commit" ? kind : `+${kind} ${name}`);
      const why = this.refuses.get(`${kind} ${name}`);
      if (why !== undefined) refused.push({ name, why });
      else if (kind === "Commit") this.commits.push(Number(fromBinary(CommitSchema, bytes).revision));
      else this.resources.set(`${kind} ${name}`, bytes);
    }
    for (const name of response.removedResources) {
      this.lines.push(`-${kind} ${name}`);
      this.resources.delete(`${kind} ${name}`);
    }
    this.#held.push({ url: response.typeUrl, nonce: response.nonce, error: errorOf(refused) });
    if (!this.isHoldingAnswers) this.acknowledge();
    this.#wake();
  }

  #wake(): void {
    const ready = this.#waiters.filter((waiter) => this.closed !== undefined || waiter.isDone());
    this.#waiters = this.#waiters.filter((waiter) => !ready.includes(waiter));
    for (const waiter of ready) waiter.resolve();
  }
}

function errorOf(resources: { name: string; why: string }[]): Status | undefined {
  if (resources.length === 0) return undefined;
  const refused = create(RefusedResourcesSchema, { resources });
  return create(StatusSchema, {
    code: 3,
    message: "refused",
    details: [anyPack(RefusedResourcesSchema, refused)],
  });
}
