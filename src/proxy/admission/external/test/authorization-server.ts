/** An authorization service in grpc-js, from the .proto file itself: it answers as it is told and keeps what it was asked. */
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import * as loader from "@grpc/proto-loader";

const root = join(import.meta.dir, "../../../../..");
const definition = loader.loadSync(join(root, "proto/envoy/service/auth/v3/external_auth.proto"), {
  keepCase: true,
  longs: Number,
  enums: Number,
  defaults: false,
  oneofs: true,
  includeDirs: [join(root, "proto")],
});

export interface Attributes {
  readonly source: { readonly address: Address; readonly principal: string };
  readonly destination: { readonly address: Address; readonly service: string };
  readonly request: {
    readonly time: { readonly seconds: number; readonly nanos: number };
    readonly http: Readonly<Record<string, unknown>> & { readonly headers: Readonly<Record<string, string>> };
  };
  readonly context_extensions?: Readonly<Record<string, string>>;
  readonly tls_session?: { readonly sni: string };
  readonly metadata_context?: unknown;
}
interface Address {
  readonly socket_address: { readonly address: string; readonly port_value: number };
}

export type Answer = Readonly<Record<string, unknown>> | Partial<grpc.ServiceError> | "silence";

export class AuthorizationServer {
  readonly asked: Attributes[] = [];
  cancelled = 0;
  port = 0;
  readonly #server = new grpc.Server();
  readonly #answer: (attributes: Attributes) => Answer;

  private constructor(answer: (attributes: Attributes) => Answer) {
    this.#answer = answer;
  }

  static async start(answer: Answer | ((attributes: Attributes) => Answer)): Promise<AuthorizationServer> {
    const own = new AuthorizationServer(typeof answer === "function" ? answer : () => answer);
    const service = definition["envoy.service.auth.v3.Authorization"];
    if (service === undefined || "format" in service) throw new Error("the file has no such service");
    own.#server.addService(service, { Check: own.#check });
    own.port = await new Promise<number>((resolve, reject) => {
      own.#server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
        if (error === null) resolve(port);
        else reject(error);
      });
    });
    return own;
  }

  readonly #check: grpc.handleUnaryCall<{ attributes: Attributes }, Answer> = (call, done) => {
    this.asked.push(call.request.attributes);
    call.on("cancelled", () => void this.cancelled++);
    const answer = this.#answer(call.request.attributes);
    if (answer === "silence") return;
    if ("code" in answer) done(answer);
    else done(null, answer);
  };

  [Symbol.dispose](): void {
    this.#server.forceShutdown();
  }
}

export const ok = { status: { code: 0 } };
