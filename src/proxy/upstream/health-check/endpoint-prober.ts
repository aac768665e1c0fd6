/**
 * Asks an endpoint over the same hop as requests take, on connections of its own: a check must not wait behind requests,
 * nor take a place from them. HTTP and gRPC keep one connection between checks; TCP opens one each time.
 */
import { HeaderFields } from "../../../http2/index.ts";
import type { Clock } from "../../../kernel/index.ts";
import { Connection } from "../../../net/index.ts";
import { SessionProtocol } from "../../../wire/index.ts";
import { Http2Request, type HttpVersion } from "../../http/index.ts";
import type { UpstreamEndpoint } from "../endpoint.ts";
import { EndpointPools } from "../endpoint-pools.ts";
import type { HopDialer } from "../hop.ts";
import type { Prober, ProbeRun } from "./endpoint-checker.ts";
import { encodeHealthRequest, grpcHealthPath } from "./grpc-health.ts";
import { type ProbeExpectation, ProbeExchange } from "./probe-exchange.ts";
import type { HealthCheckSettings } from "./settings.ts";

export interface EndpointProberOptions {
  readonly dialer: HopDialer;
  readonly clock: Clock;
  /** The service's own name, where the probe names no host. */
  readonly host: string;
  /** Of HTTP, to this endpoint. */
  readonly version: () => HttpVersion;
}

/** A peer proxy that finds its application dead breaks the connection off; until then it has said nothing either way. */
const tunnelGraceMs = 250;

export class EndpointProber implements Prober {
  readonly #endpoint: UpstreamEndpoint;
  readonly #options: EndpointProberOptions;
  readonly #pools: EndpointPools;

  constructor(endpoint: UpstreamEndpoint, options: EndpointProberOptions) {
    this.#endpoint = endpoint;
    this.#options = options;
    const { dialer, clock } = options;
    this.#pools = new EndpointPools({
      dial: (version, done) =>
        endpoint.dial(version === 2 ? SessionProtocol.HTTP2 : SessionProtocol.HTTP1, done),
      currentIdentity: () => (endpoint.isTunnelled ? dialer.identity : undefined),
      clock,
      codecs: dialer.limits,
      maxConnections: 1,
      maxPending: 1,
      // Never swept: the server closes what it finds idle, and the next check opens another.
      idleTimeoutMs: Infinity,
    });
  }

  probe(settings: HealthCheckSettings, done: (failure: string | undefined) => void): ProbeRun {
    const { probe } = settings;
    switch (probe.case) {
      case "http": {
        const { path, host, statuses } = probe.value;
        const head = this.#head("GET", path || "/", host);
        const isExpected = (status: number): boolean =>
          statuses.length === 0 ? status >= 200 && status < 400 : statuses.includes(status);
        return this.#ask(this.#options.version(), { head, body: undefined, isExpected, isGrpc: false }, done);
      }
      case "grpc": {
        const head = this.#head("POST", grpcHealthPath, "");
        head.fields.add("content-type", "application/grpc").add("te", "trailers");
        head.fields.add("grpc-timeout", `${settings.timeoutMs}m`);
        const body = encodeHealthRequest(probe.value.service);
        const isExpected = (status: number): boolean => status === 200;
        return this.#ask(2, { head, body, isExpected, isGrpc: true }, done);
      }
      case "tcp":
      case undefined:
        return this.#connect(settings, done);
    }
  }

  close(): void {
    this.#pools.close();
  }

  #head(method: string, path: string, host: string): Http2Request {
    const fields = HeaderFields.of([
      [":method", method],
      [":scheme", "http"],
      [":path", path],
      [":authority", host || this.#options.host],
      ["user-agent", "weft-health-check"],
    ]);
    return new Http2Request(fields, method === "GET");
  }

  #ask(
    version: HttpVersion,
    expectation: ProbeExpectation,
    done: (failure: string | undefined) => void,
  ): ProbeRun {
    // One whose identity has been turned over, or that the server may have closed, is not worth a wrong alarm.
    this.#pools.sweep(this.#options.clock.nowMs());
    const exchange = new ProbeExchange(this.#pools, expectation, done);
    exchange.start(version);
    return exchange;
  }

  #connect(settings: HealthCheckSettings, done: (failure: string | undefined) => void): ProbeRun {
    const { clock } = this.#options;
    const graceMs = this.#endpoint.isTunnelled ? Math.min(tunnelGraceMs, settings.timeoutMs / 2) : 0;
    let opened: Connection | undefined;
    let isOver = false;
    const finish = (failure: string | undefined): void => {
      if (isOver) return;
      isOver = true;
      opened?.terminate();
      done(failure);
    };
    const pending = this.#endpoint.dial(SessionProtocol.TCP, (result) => {
      if (!(result instanceof Connection)) {
        finish(result.detail);
        return;
      }
      opened = result;
      if (graceMs === 0) {
        finish(undefined);
        return;
      }
      const broken = (): void => finish("the peer proxy broke the connection off");
      result.sink = { onData: () => finish(undefined), onDrain() {}, onEnd: broken, onClose: broken };
      clock.deadline(graceMs, () => finish(undefined));
    });
    return {
      cancel: () => {
        isOver = true;
        pending.cancel();
        opened?.terminate();
      },
    };
  }
}
