/**
 * Asks the authenticators in their order. Something that is shown counts alone: a wrong token is refused though the
 * connection would prove somebody. Who shows nothing is told by the session cookie, then by the connection. Nobody is anonymous.
 */
import { type Clock, WeftError } from "../../kernel/index.ts";
import type { ConnectionPeer, PeerAuthenticator, TokenAuthenticator } from "./authenticator.ts";
import type { Caller } from "./caller.ts";

export interface AuthenticationOptions {
  readonly tokens: readonly TokenAuthenticator[];
  readonly peers: readonly PeerAuthenticator[];
  readonly clock: Clock;
}

export class Authentication {
  readonly #options: AuthenticationOptions;

  constructor(options: AuthenticationOptions) {
    this.#options = options;
  }

  /** Throws `unauthenticated`. `fromCookie` is asked where no token is shown. */
  async authenticate(
    http: Request,
    peer: ConnectionPeer,
    fromCookie: () => Caller | undefined,
  ): Promise<Caller> {
    const header = http.headers.get("authorization");
    const caller = header === null ? (fromCookie() ?? this.#fromPeer(peer)) : await this.fromHeader(header);
    if (caller !== undefined && !this.isOver(caller)) return caller;
    if (header === null && peer.certificate !== undefined) {
      throw new WeftError("unauthenticated", "the connection's client certificate proves nobody here", {
        hint: "it must be valid still, and have one CN, or one SPIFFE id of this mesh as its only URI",
      });
    }
    throw new WeftError("unauthenticated", "a valid bearer token is required", {
      hint: "the control plane keeps it in DATA-DIR/token; set WEFT_TOKEN or WEFT_TOKEN_FILE",
    });
  }

  /** Whom an Authorization header proves. */
  async fromHeader(header: string): Promise<Caller | undefined> {
    const token = /^bearer +(?<token>[^\s,]+)$/i.exec(header)?.groups?.["token"];
    if (token === undefined) return undefined;
    for (const authenticator of this.#options.tokens) {
      const caller = await authenticator.authenticate(token);
      if (caller !== undefined) return caller;
    }
    return undefined;
  }

  /** What proved the caller has ended since. */
  isOver({ expiresAtMs }: Caller): boolean {
    return expiresAtMs !== undefined && expiresAtMs <= this.#options.clock.nowMs();
  }

  #fromPeer(peer: ConnectionPeer): Caller | undefined {
    for (const authenticator of this.#options.peers) {
      const caller = authenticator.authenticate(peer);
      if (caller !== undefined) return caller;
    }
    return undefined;
  }
}
