/** What gateways carry over UDP. Not among the golden signals: a datagram has no outcome. */
import { type Counter, CounterFamily, type MetricFamily } from "../telemetry/index.ts";

export type DatagramLoss = "no_route" | "backend_unresolved" | "no_endpoint" | "overloaded" | "not_sent";

export class UdpMetrics {
  readonly #datagrams = new CounterFamily(
    "weft_udp_datagrams_total",
    "Datagrams handed on, by direction: to an endpoint, or back to a client.",
    ["direction"],
  );
  readonly #bytes = new CounterFamily("weft_udp_bytes_total", "Bytes of those datagrams.", ["direction"]);
  readonly #lost = new CounterFamily(
    "weft_udp_datagrams_dropped_total",
    "Datagrams that were dropped: no backend to give them to, a table that was full, or a system that took no more.",
    ["reason"],
  );
  readonly #sessions = new CounterFamily(
    "weft_udp_sessions_total",
    "Clients, by address and port, that were given an endpoint.",
  );

  readonly families: readonly MetricFamily[] = [this.#datagrams, this.#bytes, this.#lost, this.#sessions];
  readonly sessions: Counter = this.#sessions.of();
  readonly #toEndpoint = {
    datagrams: this.#datagrams.of("to_endpoint"),
    bytes: this.#bytes.of("to_endpoint"),
  };
  readonly #toClient = { datagrams: this.#datagrams.of("to_client"), bytes: this.#bytes.of("to_client") };

  sentToEndpoint(bytes: number): void {
    this.#toEndpoint.datagrams.value++;
    this.#toEndpoint.bytes.value += bytes;
  }

  sentToClient(bytes: number): void {
    this.#toClient.datagrams.value++;
    this.#toClient.bytes.value += bytes;
  }

  lost(reason: DatagramLoss): void {
    this.#lost.of(reason).value++;
  }
}
