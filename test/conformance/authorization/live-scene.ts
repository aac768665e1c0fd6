/** One sidecar over real sockets, for rows of authorization: its callers come with identities, in plaintext, or with raw bytes. */
import { connect as connectTls, type TLSSocket } from "node:tls";
import { connect as connectTcp, type Socket } from "node:net";
import { create } from "@bufbuild/protobuf";
import { generateKeyAndCsr, derToPem } from "../../../src/identity/x509/index.ts";
import { silentLog, systemClock } from "../../../src/kernel/index.ts";
import {
  type Authorization,
  InboundSchema,
  MeshSchema,
  MtlsMode,
  Protocol,
  Tunnel,
} from "../../../src/model/index.ts";
import { meshServerName, type TlsIdentity } from "../../../src/net/index.ts";
import { TestAuthority } from "../../../src/proxy/agent/test/test-mesh.ts";
import type { RunningProxy } from "../../../src/proxy/running-proxy.ts";
import { runProxy } from "../../../src/proxy/running-proxy.ts";
import { FakeAgent } from "../../../src/proxy/testing/fake-agent.ts";
import { type RawServer, rawServer } from "../../../src/proxy/testing/raw-peer.ts";
import { encodePreface } from "../../../src/proxy/upstream/index.ts";
import { SessionProtocol } from "../../../src/wire/index.ts";
import { rowsMesh } from "./rows.ts";

const hello = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello";
const lifeMs = 3_600_000;
export const liveAddress = "127.0.0.1";

export class LiveScene {
  readonly app: RawServer = rawServer((peer) => peer.socket.write(hello));
  readonly #authority = new TestAuthority(Date.now(), rowsMesh.trustDomain);
  readonly #identities = new Map<string, TlsIdentity>();
  readonly #mesh = create(MeshSchema, { ...rowsMesh, drainTimeoutMs: 100 });
  #agent: FakeAgent | undefined;
  #proxy: RunningProxy | undefined;

  async start(): Promise<void> {
    const identity = `spiffe://${rowsMesh.trustDomain}/ns/n/sa/work`;
    this.#agent = new FakeAgent(this.#configuration(undefined), this.#issue(identity), identity);
    this.#proxy = await runProxy({
      agent: this.#agent,
      clock: systemClock,
      log: silentLog,
      destinationOf: () => ({ address: liveAddress, port: this.app.port }),
      bootstrap: {
        role: "sidecar",
        workload: {
          namespace: "n",
          name: "work",
          serviceAccount: "work",
          labels: {},
          addresses: [liveAddress],
          ports: [],
          region: "",
          zone: "",
        },
        capture: { kind: "redirect", outboundPort: 0, inboundPort: 0, dnsPort: 0, mark: 0 },
        tunnel: { address: liveAddress, port: 0 },
        application: { address: liveAddress },
        admin: { address: liveAddress, port: 0 },
        dnsUpstreams: [],
      },
    });
  }

  ask(authorization: Authorization): void {
    this.#agent?.configure(this.#configuration(authorization));
  }

  /** Everything that comes back until the end; `bytes` are sent as they are. */
  async exchange(identity: string, bytes: string, isHttp: boolean): Promise<string> {
    const socket = identity === "" ? await this.#plain() : await this.#tunnel(identity);
    const preface = encodePreface(
      {
        address: liveAddress,
        port: this.app.port,
        tunnel: Tunnel.WEFT,
        tunnelAddress: "",
        tunnelPort: 0,
        identity: "",
        service: "n/svc",
      },
      isHttp ? SessionProtocol.HTTP1 : SessionProtocol.TCP,
      "",
    );
    let received = "";
    const ended = new Promise<void>((resolve) => {
      socket.on("data", (chunk: Buffer) => {
        received += chunk.toString("latin1");
        if (received.endsWith("hello") || /^HTTP\/1\.1 403/.test(received)) resolve();
      });
      socket.on("close", () => resolve());
      socket.on("error", () => resolve());
    });
    if (identity !== "") socket.write(preface);
    socket.write(Buffer.from(bytes, "latin1"));
    await ended;
    socket.destroy();
    return received;
  }

  /** Of the newest refusal: "policy[rule]", or empty. */
  async deciding(): Promise<{ policy: string; rule: string }> {
    const page = await fetch(`http://${liveAddress}:${this.#proxy?.bound.admin.port}/refusals`);
    const refusals: unknown = await page.json();
    const [newest]: unknown[] = Array.isArray(refusals) ? refusals : [];
    const { policy = "", rule = "" } = Object(newest);
    return { policy: String(policy).split("/").at(-1) ?? "", rule: String(rule) };
  }

  close(): void {
    this.#proxy?.close();
    this.app.stop();
  }

  #configuration(authorization: Authorization | undefined) {
    return {
      mesh: this.#mesh,
      addresses: [liveAddress],
      inbound: create(InboundSchema, {
        workload: "n/work",
        mtls: MtlsMode.PERMISSIVE,
        admissions: authorization === undefined ? [] : [{ authorization }],
        ports: [
          {
            port: this.app.port,
            protocol: Protocol.UNSPECIFIED,
            services: ["n/svc"],
            admission: authorization === undefined ? 0 : 1,
          },
        ],
      }),
    };
  }

  #issue(identity: string): TlsIdentity {
    const known = this.#identities.get(identity);
    if (known !== undefined) return known;
    const { privateKeyPem, csrDer } = generateKeyAndCsr();
    const leaf = this.#authority.leaf(csrDer, identity, Date.now(), lifeMs);
    const issued = { privateKeyPem, certChainPem: derToPem(leaf), trustRootsPem: this.#authority.rootPem };
    this.#identities.set(identity, issued);
    return issued;
  }

  #plain(): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const port = this.#proxy?.bound.plaintextPort ?? 0;
      const socket = connectTcp(port, liveAddress, () => resolve(socket));
      socket.once("error", reject);
    });
  }

  #tunnel(identity: string): Promise<TLSSocket> {
    const { privateKeyPem, certChainPem, trustRootsPem } = this.#issue(identity);
    return new Promise((resolve, reject) => {
      const socket = connectTls(
        {
          host: liveAddress,
          port: this.#proxy?.bound.tunnel?.port ?? 0,
          key: privateKeyPem,
          cert: certChainPem,
          ca: trustRootsPem,
          servername: meshServerName,
          ALPNProtocols: ["weft/1"],
          checkServerIdentity: () => undefined,
        },
        () => resolve(socket),
      );
      socket.once("error", reject);
    });
  }
}
