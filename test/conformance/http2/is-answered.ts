/** One request over HTTP/2 that must come back from behind the gateway, so that no suite passes on the gateway's own refusals. */
import { connect } from "node:http2";
import type { H2specTarget } from "./h2spec.ts";

const answerTimeoutMs = 10_000;

/** Undefined: 200 with the application's body. */
export async function whyUnanswered(target: H2specTarget, body: string): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const origin = `${target.isTls ? "https" : "http"}://127.0.0.1:${target.port}`;
  const session = connect(origin, { rejectUnauthorized: false });
  session.on("error", (error) => resolve(error.message));
  const timer = setTimeout(() => resolve(`no answer within ${answerTimeoutMs} ms`), answerTimeoutMs);
  const stream = session.request({ ":path": target.path });
  let status = 0;
  let text = "";
  stream.on("response", (head) => {
    status = head[":status"] ?? 0;
  });
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => {
    text += chunk;
  });
  stream.on("error", (error) => resolve(error.message));
  stream.on("end", () => resolve(status === 200 && text === body ? undefined : `status ${status}: ${text}`));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    session.destroy();
  }
}
