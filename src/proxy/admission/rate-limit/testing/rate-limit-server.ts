/** Envoy's rate limit service in grpc-js, from the .proto file itself: it counts by descriptor and keeps what it was asked. */
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import * as loader from "@grpc/proto-loader";

const root = join(import.meta.dir, "../../../../..");
const definition = loader.loadSync(join(root, "proto/envoy/service/ratelimit/v3/rls.proto"), {
  keepCase: true,
  longs: Number,
  enums: String,
  defaults: true,
  includeDirs: [join(root, "proto")],
});

interface Descriptor {
  readonly entries: readonly { readonly key: string; readonly value: string }[];
}

export interface RateLimitQuestion {
  readonly domain: string;
  readonly descriptors: readonly Descriptor[];
}

export type RateLimitAnswer = Readonly<Record<string, unknown>> | "silence" | "unavailable";

export class RateLimitServer {
  readonly asked: RateLimitQuestion[] = [];
  port = 0;
  readonly #server = new grpc.Server();
  readonly #answer: (question: RateLimitQuestion) => RateLimitAnswer;

  private constructor(answer: (question: RateLimitQuestion) => RateLimitAnswer) {
    this.#answer = answer;
  }

  static async start(answer: (question: RateLimitQuestion) => RateLimitAnswer): Promise<RateLimitServer> {
    const own = new RateLimitServer(answer);
    const service = definition["envoy.service.ratelimit.v3.RateLimitService"];
    if (service === undefined || "format" in service) throw new Error("the file has no such service");
    own.#server.addService(service, { ShouldRateLimit: own.#decide });
    own.port = await new Promise<number>((resolve, reject) => {
      own.#server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
        if (error === null) resolve(port);
        else reject(error);
      });
    });
    return own;
  }

  readonly #decide: grpc.handleUnaryCall<RateLimitQuestion, unknown> = (call, done) => {
    this.asked.push(call.request);
    const answer = this.#answer(call.request);
    if (answer === "silence") return;
    if (answer === "unavailable") done({ code: grpc.status.UNAVAILABLE });
    else done(null, answer);
  };

  [Symbol.dispose](): void {
    this.#server.forceShutdown();
  }
}

/** Counts each descriptor's requests; beyond `limit` it is over. */
export function counting(limit: number): (question: RateLimitQuestion) => RateLimitAnswer {
  const counts = new Map<string, number>();
  return ({ domain, descriptors }) => {
    const statuses = descriptors.map(({ entries }) => {
      const name = `${domain} ${entries.map(({ key, value }) => `${key}=${value}`).join(",")}`;
      const count = (counts.get(name) ?? 0) + 1;
      counts.set(name, count);
      return { code: count > limit ? "OVER_LIMIT" : "OK", limit_remaining: Math.max(0, limit - count) };
    });
    const isOver = statuses.some(({ code }) => code === "OVER_LIMIT");
    return { overall_code: isOver ? "OVER_LIMIT" : "OK", statuses };
  };
}
