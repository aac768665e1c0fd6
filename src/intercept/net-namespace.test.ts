/** Network namespaces: a visit always ends back home, and listeners inside are apart from those outside. */
import { expect, test } from "bun:test";
import { currentNetNamespaceId, NetNamespace } from "./net-namespace.ts";
import { RouteSocket } from "./rtnetlink.ts";
import { describeInNamespaces } from "./testing/permitted.ts";

describeInNamespaces("network namespaces", () => {
  test("the calling thread is back home after a making, a visit, and a visit that throws", () => {
    const home = currentNetNamespaceId();
    const made = NetNamespace.create();
    expect(currentNetNamespaceId()).toBe(home);
    expect(made.run(() => currentNetNamespaceId())).toBe(made.id);
    expect(currentNetNamespaceId()).toBe(home);
    expect(() =>
      made.run(() => {
        throw new Error("inside");
      }),
    ).toThrow("inside");
    expect(currentNetNamespaceId()).toBe(home);
    made.close();
  });

  test("the same address and port mean different listeners in two of them", async () => {
    const [first, second] = [makeWithLoopback(), makeWithLoopback()];
    const one = first.run(() => Bun.listen({ hostname: "127.0.0.1", port: 0, socket: answer("first") }));
    const other = second.run(() =>
      Bun.listen({ hostname: "127.0.0.1", port: one.port, socket: answer("second") }),
    );
    expect(await ask(first, one.port)).toBe("first");
    expect(await ask(second, one.port)).toBe("second");
    other.stop(true);
    expect(await ask(first, one.port)).toBe("first");
    expect(await ask(second, one.port)).toBe("ECONNREFUSED");
    one.stop(true);
    first.close();
    second.close();
  });

  test("is that of a process by its number, and says so where there is none", () => {
    const own = NetNamespace.ofProcess(process.pid);
    expect(own.id).toBe(currentNetNamespaceId());
    own.close();
    expect(() => NetNamespace.ofProcess(2 ** 22 + 1)).toThrow("ENOENT");
  });

  test("closing twice closes one descriptor only", () => {
    const first = NetNamespace.create();
    first.close();
    const second = NetNamespace.create();
    first.close();
    expect(second.run(() => currentNetNamespaceId())).toBe(second.id);
    second.close();
  });
});

function makeWithLoopback(): NetNamespace {
  const made = NetNamespace.create();
  const routes = made.run(() => new RouteSocket());
  routes.setUp(1);
  routes.close();
  return made;
}

function answer(text: string) {
  return { data: () => {}, open: (socket: { end(text: string): unknown }) => void socket.end(text) };
}

/** The answer, or the code of the error. */
function ask(where: NetNamespace, port: number): Promise<string> {
  return new Promise((resolve) => {
    where.run(() => {
      Bun.connect({
        hostname: "127.0.0.1",
        port,
        socket: { data: (_, chunk) => resolve(chunk.toString()) },
      }).catch((error: { code?: string }) => resolve(error.code ?? "failed"));
    });
  });
}
