/** A resolver for tests, over UDP and TCP on one port of loopback, that says what it is told to. */
import { encodeDnsAnswer, parseDnsQuery, type Rcode, rcodes } from "../dns/index.ts";

export interface DnsZone {
  /** By name; addresses of both families. A name that is not here does not exist. */
  readonly names: Readonly<Record<string, readonly string[]>>;
  readonly ttlSeconds: number;
  /** Answers everything with this instead. */
  readonly rcode?: Rcode;
  readonly isSilent?: boolean;
  /** Answers over UDP hold no more than this. */
  readonly maxUdpBytes?: number;
}

const maxTries = 20;

export class TestDnsServer {
  zone: DnsZone;
  readonly port: number;
  /** "udp api.example.com 1" for each question. */
  readonly asked: string[] = [];
  readonly #udp: Bun.udp.Socket<"buffer">;
  readonly #tcp: { stop(closeActive: boolean): void };

  private constructor(
    zone: DnsZone,
    udp: Bun.udp.Socket<"buffer">,
    tcp: { stop(closeActive: boolean): void },
  ) {
    this.zone = zone;
    this.#udp = udp;
    this.#tcp = tcp;
    this.port = udp.port;
  }

  static async start(zone: DnsZone): Promise<TestDnsServer> {
    // A port that is free for one of the two may be taken for the other.
    for (let tries = 0; ; tries++) {
      try {
        return await TestDnsServer.#open(zone);
      } catch (error) {
        if (tries === maxTries) throw error;
      }
    }
  }

  static async #open(zone: DnsZone): Promise<TestDnsServer> {
    const parts: { server?: TestDnsServer } = {};
    const tcp = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        data(socket, chunk) {
          // Tests ask with one write a question.
          for (let at = 0; at + 2 <= chunk.length; ) {
            const length = chunk.readUInt16BE(at);
            const answer = parts.server?.answer(chunk.subarray(at + 2, at + 2 + length), "tcp");
            at += 2 + length;
            if (answer === undefined) continue;
            socket.write(Buffer.concat([Uint8Array.of(answer.length >> 8, answer.length & 0xff), answer]));
          }
        },
      },
    });
    try {
      const udp = await Bun.udpSocket({
        hostname: "127.0.0.1",
        port: tcp.port,
        socket: {
          data(socket, message, port, address) {
            const answer = parts.server?.answer(message, "udp");
            if (answer !== undefined) socket.send(answer, port, address);
          },
        },
      });
      parts.server = new TestDnsServer(zone, udp, tcp);
      return parts.server;
    } catch (error) {
      tcp.stop(true);
      throw error;
    }
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  answer(message: Uint8Array, transport: "udp" | "tcp"): Uint8Array | undefined {
    const query = parseDnsQuery(message);
    if (query === undefined || "rcode" in query) return undefined;
    this.asked.push(`${transport} ${query.name} ${query.type}`);
    const { names, ttlSeconds, rcode, isSilent, maxUdpBytes = 1_232 } = this.zone;
    if (isSilent === true) return undefined;
    const addresses = names[query.name];
    return encodeDnsAnswer(query, {
      rcode: rcode ?? (addresses === undefined ? rcodes.nameError : rcodes.ok),
      addresses: rcode === undefined ? (addresses ?? []) : [],
      ttlSeconds,
      maxBytes: transport === "udp" ? maxUdpBytes : 65_535,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#udp.close();
    this.#tcp.stop(true);
    await Promise.resolve();
  }
}
