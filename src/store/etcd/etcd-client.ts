/**
 * Calls to an etcd of several members: one connection at a time, the next member when one fails, a token where etcd asks
 * who it is. Reads are tried at every member; a call that may change something is made once, and whoever made it finds out
 * what became of it.
 */
import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { type BidiHandlers, GrpcClient } from "../../grpc/index.ts";
import { type Clock, type Log, WeftError } from "../../kernel/index.ts";
import type { ClientTls } from "../../net/index.ts";
import { Auth, KV, Lease, Watch } from "../../wire/etcd/index.ts";
import type { EtcdAddress, EtcdEndpoint, EtcdTls } from "./url.ts";

type UnaryMethodOf<I extends DescMessage, O extends DescMessage> = Parameters<
  typeof GrpcClient.prototype.unary<I, O>
>[0];
type StreamMethodOf<I extends DescMessage, O extends DescMessage> = Parameters<
  typeof GrpcClient.prototype.bidi<I, O>
>[0];
type Stream<I extends DescMessage, O extends DescMessage> = ReturnType<
  typeof GrpcClient.prototype.bidi<I, O>
>;

export interface EtcdClientOptions {
  readonly address: EtcdAddress;
  readonly clock: Clock;
  readonly log: Log;
  /** Default 5 s: etcd itself gives up on a write without a majority after seven. */
  readonly callTimeoutMs?: number;
}

const defaultCallTimeoutMs = 5_000;
const connectTimeoutMs = 2_000;
/** A member that vanished without a word is noticed within four seconds. */
const keepAlive = { intervalMs: 2_000, timeoutMs: 2_000 };
const unauthenticated = 16;
/** A member that has lost the others says so, and ends the stream, instead of keeping quiet. */
const leaderRequired: ReadonlyMap<string, string> = new Map([["hasleader", "true"]]);

export class EtcdClient {
  readonly kv = KV;
  readonly #options: EtcdClientOptions;
  #current = 0;
  #client: GrpcClient | undefined;
  #token: string | undefined;
  #isClosed = false;

  constructor(options: EtcdClientOptions) {
    this.#options = options;
    // Not all replicas at the same member.
    this.#current = Math.floor(Math.random() * options.address.endpoints.length);
  }

  get clock(): Clock {
    return this.#options.clock;
  }

  get log(): Log {
    return this.#options.log;
  }

  /** Where it is at present, for messages. */
  get where(): string {
    const { address, port } = this.#endpoint();
    return `${address}:${port}`;
  }

  /** Asks member after member. Throws `unavailable` where none answers. */
  async read<I extends DescMessage, O extends DescMessage>(
    method: UnaryMethodOf<I, O>,
    request: MessageInitShape<I>,
  ): Promise<MessageShape<O>> {
    const { endpoints } = this.#options.address;
    let failure: unknown;
    for (let attempt = 0; attempt < endpoints.length; attempt++) {
      try {
        return await this.once(method, request);
      } catch (error) {
        failure = error;
        if (!isLost(error) || this.#isClosed) throw error;
      }
    }
    throw failure;
  }

  /** One attempt. With `unavailable` or `timeout` it is not known what became of it. */
  async once<I extends DescMessage, O extends DescMessage>(
    method: UnaryMethodOf<I, O>,
    request: MessageInitShape<I>,
  ): Promise<MessageShape<O>> {
    await this.#authenticate();
    const client = this.#connected();
    try {
      return await client.unary(method, request, { timeoutMs: this.#timeoutMs, ...this.#metadata() });
    } catch (error) {
      if (isUnauthenticated(error) && this.#token !== undefined) {
        // The token ran out. etcd has looked at nothing else of the request.
        this.#token = undefined;
        await this.#authenticate();
        return await this.#connected().unary(method, request, {
          timeoutMs: this.#timeoutMs,
          ...this.#metadata(),
        });
      }
      if (isLost(error)) this.#leave(client);
      throw this.#explained(error);
    }
  }

  async watch(
    handlers: BidiHandlers<MessageShape<typeof Watch.method.watch.output>>,
  ): Promise<Stream<typeof Watch.method.watch.input, typeof Watch.method.watch.output>> {
    return await this.#stream(Watch.method.watch, handlers);
  }

  async keepAlive(
    handlers: BidiHandlers<MessageShape<typeof Lease.method.leaseKeepAlive.output>>,
  ): Promise<Stream<typeof Lease.method.leaseKeepAlive.input, typeof Lease.method.leaseKeepAlive.output>> {
    return await this.#stream(Lease.method.leaseKeepAlive, handlers);
  }

  close(): void {
    this.#isClosed = true;
    this.#client?.close();
  }

  async #stream<I extends DescMessage, O extends DescMessage>(
    method: StreamMethodOf<I, O>,
    handlers: BidiHandlers<MessageShape<O>>,
  ): Promise<Stream<I, O>> {
    await this.#authenticate();
    const client = this.#connected();
    return client.bidi<I, O>(
      method,
      {
        ...handlers,
        onMessage: (message) => handlers.onMessage(message),
        onClose: (status) => {
          if (status.code === "unauthenticated") this.#token = undefined;
          if (status.code !== "cancelled") this.#leave(client);
          handlers.onClose(status);
        },
      },
      { metadata: new Map([...leaderRequired, ...(this.#metadata().metadata ?? [])]) },
    );
  }

  get #timeoutMs(): number {
    return this.#options.callTimeoutMs ?? defaultCallTimeoutMs;
  }

  #endpoint(): EtcdEndpoint {
    const { endpoints } = this.#options.address;
    const endpoint = endpoints[this.#current % endpoints.length];
    if (endpoint === undefined) throw new WeftError("internal", "an etcd without an address");
    return endpoint;
  }

  #connected(): GrpcClient {
    if (this.#isClosed) throw new WeftError("unavailable", "the store is closed");
    const { address, clock, log } = this.#options;
    const endpoint = this.#endpoint();
    this.#client ??= new GrpcClient({
      ...endpoint,
      connectTimeoutMs,
      keepAlive,
      clock,
      log,
      ...(address.tls === undefined ? {} : { tls: clientTls(address.tls, endpoint) }),
    });
    return this.#client;
  }

  /** The next member from now on. What else runs on the connection ends with it, and goes on elsewhere. */
  #leave(client: GrpcClient): void {
    if (client !== this.#client) return;
    this.#client = undefined;
    this.#current++;
    // etcd's tokens hold at the member that gave them.
    this.#token = undefined;
    client.close();
  }

  async #authenticate(): Promise<void> {
    const { user } = this.#options.address;
    if (user === undefined || this.#token !== undefined) return;
    const client = this.#connected();
    try {
      const { token } = await client.unary(Auth.method.authenticate, user, { timeoutMs: this.#timeoutMs });
      this.#token = token;
    } catch (error) {
      if (isLost(error)) this.#leave(client);
      throw this.#explained(error, user.name);
    }
  }

  /** What the operator can do about it, where etcd says no more than no. `asked`: the user that was to be known. */
  #explained(error: unknown, asked?: string): unknown {
    if (!(error instanceof WeftError)) return error;
    const { code, fields } = error;
    const { user, tls, mesh } = this.#options.address;
    if (asked !== undefined && code === "bad_input") {
      return new WeftError(
        code,
        `the etcd at ${this.where} does not know the user ${asked} with that password`,
        {
          cause: error,
          hint: "the user stands before the @ of --store, the password in the file of ?password-file",
        },
      );
    }
    if (code === "forbidden") {
      return new WeftError(
        code,
        `the etcd at ${this.where} allows the user ${user?.name ?? "of the certificate"} nothing here`,
        {
          cause: error,
          fields,
          hint: `grant a role of that user to read and write all keys with the prefix /weft/${mesh}/`,
        },
      );
    }
    if (code !== "unavailable" || tls === undefined) return error;
    return new WeftError(code, error.message, {
      cause: error,
      fields,
      hint: `is ?ca-file who signed its certificate, has that the address or ?server-name, and ${tls.identity === undefined ? "does it ask for ?cert-file and ?key-file" : "does it take ?cert-file"}?`,
    });
  }

  #metadata(): { readonly metadata?: ReadonlyMap<string, string> } {
    return this.#token === undefined ? {} : { metadata: new Map([["token", this.#token]]) };
  }
}

/** No answer: the member, the way to it or the majority is away. */
export function isLost(error: unknown): boolean {
  return error instanceof WeftError && (error.code === "unavailable" || error.code === "timeout");
}

function isUnauthenticated(error: unknown): boolean {
  return error instanceof WeftError && error.fields["grpcStatus"] === unauthenticated;
}

function clientTls(tls: EtcdTls, { address }: EtcdEndpoint): ClientTls {
  return {
    ...(tls.identity === undefined ? {} : { identity: tls.identity }),
    trustRootsPem: tls.trustRootsPem,
    serverName: tls.serverName ?? address,
    alpn: ["h2"],
    // etcd before 3.5.10 has no 1.3, and no way to turn it on.
    minVersion: "1.2",
    verifyPeer: () => undefined,
  };
}
