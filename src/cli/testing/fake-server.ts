/** An API server that answers what a test says and records what it was asked. */

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | null;
  readonly body: unknown;
}

export interface FakeServer extends AsyncDisposable {
  readonly url: string;
  readonly asked: readonly Asked[];
}

/** By `METHOD /path`, without the query. A function is called for each request. */
export type Answers = Readonly<Record<string, object | (() => object) | undefined>>;

export function fakeServer(answers: Answers): FakeServer {
  const asked: Asked[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const { pathname, search } = new URL(request.url);
      const text = await request.text();
      asked.push({
        method: request.method,
        path: pathname + search,
        authorization: request.headers.get("authorization"),
        body: text === "" ? undefined : JSON.parse(text),
      });
      const answer = answers[`${request.method} ${pathname}`];
      if (answer === undefined)
        return Response.json(failure(404, "NotFound", `${pathname} not found`), { status: 404 });
      const body = typeof answer === "function" ? answer() : answer;
      return Response.json(body, {
        status: "code" in body && typeof body.code === "number" ? body.code : 200,
      });
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    asked,
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

/** Kubernetes' answer to what did not go well; `fields` are the places of its causes. */
export function failure(
  code: number,
  reason: string,
  message: string,
  fields: readonly string[] = [],
): object {
  const causes = fields.map((field) => ({ field, message: `${field} is wrong` }));
  return { kind: "Status", apiVersion: "v1", status: "Failure", reason, code, message, details: { causes } };
}
