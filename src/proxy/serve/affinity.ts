/**
 * What keeps requests of one client together: its session, and the keys that its cluster's algorithm hashes. Made for a
 * request only where its route or cluster asks for one of them.
 */
import { firstQueryValue } from "../../decide/index.ts";
import { hash32 } from "../../kernel/index.ts";
import type { HeadEdits, HeaderLine } from "../../http1/index.ts";
import type { HashKey, SessionCookie } from "../../model/index.ts";
import type { HttpRequest } from "../http/index.ts";
import {
  type PickRequest,
  randomHash,
  type UpstreamCluster,
  type UpstreamEndpoint,
} from "../upstream/index.ts";
import type { ClientStream } from "./client-stream.ts";
import type { ServeContext } from "./context.ts";
import { cookieValue, isCookieName, isCookiePath, setCookie } from "./cookies.ts";
import { latin1Line } from "./exchange-heads.ts";
import type { HttpDestination, HttpService } from "./http-service.ts";
import { clusterId, endpointId, type SessionToken } from "./session-token.ts";

export class Affinity implements PickRequest {
  readonly #destination: HttpDestination;
  readonly #head: HttpRequest;
  readonly #client: ClientStream;
  readonly #service: HttpService;
  /** What the client brought; read with the first pick. */
  #token: SessionToken | undefined;
  #nowSeconds = 0;
  #context: ServeContext | undefined;
  #hash: number | undefined;
  #isHashed = false;
  /** A cookie that the request lacked. */
  #madeCookie: HeaderLine | undefined;

  private constructor(
    destination: HttpDestination,
    head: HttpRequest,
    client: ClientStream,
    service: HttpService,
  ) {
    this.#destination = destination;
    this.#head = head;
    this.#client = client;
    this.#service = service;
    this.#context = undefined;
    this.#token = undefined;
    this.#hash = undefined;
    this.#madeCookie = undefined;
  }

  /** Undefined, at no cost, where nothing of the request has a say. */
  static of(
    destination: HttpDestination,
    head: HttpRequest,
    client: ClientStream,
    service: HttpService,
  ): Affinity | undefined {
    return destination.session === undefined && !destination.cluster.picker.readsRequest
      ? undefined
      : new Affinity(destination, head, client, service);
  }

  pick(
    context: ServeContext,
    cluster: UpstreamCluster,
    tried: readonly UpstreamEndpoint[] | undefined,
  ): UpstreamEndpoint | undefined {
    const { random, clock } = context;
    const nowUs = clock.monotonicUs();
    if (this.#nowSeconds === 0) {
      this.#context = context;
      this.#nowSeconds = Math.floor(clock.nowMs() / 1_000);
      this.#token = this.#destination.session?.read(this.#head, this.#nowSeconds);
    }
    const token = this.#token;
    const held =
      token !== undefined && token.cluster === clusterId(cluster.key)
        ? cluster.picker.ofSession?.(token.endpoint, nowUs, tried)
        : undefined;
    return held ?? cluster.picker.pick(nowUs, random, tried, this);
  }

  hash(keys: readonly HashKey[]): number | undefined {
    if (!this.#isHashed) {
      this.#isHashed = true;
      const value = this.#firstValue(keys);
      if (value !== undefined) this.#hash = hash32(value);
    }
    return this.#hash;
  }

  /** For the response of `endpoint`: `edits`, and what the client is to bring back. */
  responseEdits(edits: HeadEdits | undefined, endpoint: UpstreamEndpoint): HeadEdits | undefined {
    const lines = this.#madeCookie === undefined ? [] : [this.#madeCookie];
    const session = this.#sessionLine(endpoint);
    if (session !== undefined) lines.push(session);
    if (lines.length === 0) return edits;
    if (edits === undefined) return { set: [], add: lines, remove: [] };
    return { set: edits.set, add: [...edits.add, ...lines], remove: edits.remove };
  }

  #sessionLine(endpoint: UpstreamEndpoint): HeaderLine | undefined {
    const { session, cluster } = this.#destination;
    if (session === undefined) return undefined;
    const token: SessionToken = {
      cluster: clusterId(cluster.key),
      endpoint: endpointId(endpoint.workload),
      issued: this.#token?.issued ?? this.#nowSeconds,
      seen: this.#nowSeconds,
    };
    const known = this.#token;
    const isKnown =
      known !== undefined && known.cluster === token.cluster && known.endpoint === token.endpoint;
    if (isKnown && !session.isStale(known, this.#nowSeconds)) return undefined;
    return session.line(token, this.#service.scheme === "https");
  }

  #firstValue(keys: readonly HashKey[]): string | undefined {
    for (const { key } of keys) {
      const value = this.#valueOf(key);
      if (value !== undefined && value !== "") return value;
    }
    return undefined;
  }

  #valueOf(key: HashKey["key"]): string | undefined {
    switch (key.case) {
      case "header":
        return this.#head.get(key.value);
      case "cookie":
        return this.#cookie(key.value);
      case "queryParameter":
        return firstQueryValue(this.#head.query, key.value);
      case "sourceAddress":
        return this.#client.remoteAddress;
      case "sourceIdentity":
        return this.#service.sourceIdentity;
      case undefined:
        return undefined;
    }
  }

  #cookie({ name, path, maxAgeSeconds }: SessionCookie): string | undefined {
    const header = this.#head.get("cookie");
    const value = header === undefined ? undefined : cookieValue(header, name);
    const context = this.#context;
    if (value !== undefined || maxAgeSeconds === 0 || !isCookieName(name) || context === undefined)
      return value;
    const made = [1, 2, 3, 4].map(() => randomHash(context.random).toString(16).padStart(8, "0")).join("");
    const isSecure = this.#service.scheme === "https";
    const options = { path: isCookiePath(path) ? path : "/", maxAgeSeconds, isSecure };
    this.#madeCookie = latin1Line("set-cookie", setCookie(name, made, options));
    return made;
  }
}

/** A connection whose content is not read. */
export class ConnectionAffinity implements PickRequest {
  readonly #address: string;
  readonly #identity: string;

  constructor(address: string, identity: string) {
    this.#address = address;
    this.#identity = identity;
  }

  hash(keys: readonly HashKey[]): number | undefined {
    for (const { key } of keys) {
      if (key.case === "sourceAddress" && this.#address !== "") return hash32(this.#address);
      if (key.case === "sourceIdentity" && this.#identity !== "") return hash32(this.#identity);
    }
    return undefined;
  }
}
