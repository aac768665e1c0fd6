/** Capture with real nftables in network namespaces: what is redirected, what is left alone. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { installCapture } from "./capture-rules.ts";
import { launch } from "./launch.ts";
import { check } from "./native.ts";
import { native } from "./native-calls.ts";
import { NetNamespace } from "./net-namespace.ts";
import { installTable } from "./nftables.ts";
import { matchLocalDestination, returnVerdict } from "./nft-expression.ts";
import { RouteSocket } from "./rtnetlink.ts";
import { describeInNamespaces } from "./testing/permitted.ts";

const ports = {
  outboundPort: 15001,
  inboundPort: 15006,
  dnsPort: 15053,
  mark: 0x539,
  openPorts: [15006, 15008],
};
const SOL_SOCKET = 1;
const SO_MARK = 36;

interface Arrival {
  readonly listener: string;
  readonly original: string | undefined;
}

/** What the proxy does to learn where a connection was going. */
function originalDestination(fd: number, family: 4 | 6): string | undefined {
  const bytes = new Uint8Array(family === 4 ? 16 : 28);
  if (native().getsockopt(fd, family === 4 ? 0 : 41, 80, bytes) < 0) return undefined;
  const port = new DataView(bytes.buffer).getUint16(2);
  const address =
    family === 4 ? bytes.subarray(4, 8).join(".") : Buffer.from(bytes.subarray(8, 24)).toString("hex");
  return `${address} ${port}`;
}

describeInNamespaces("capture", () => {
  let fabric: NetNamespace;
  let workload: NetNamespace;
  const open: { stop(force: boolean): void }[] = [];

  beforeEach(() => {
    fabric = NetNamespace.create();
    workload = NetNamespace.create();
    fabric.run(() => {
      const routes = new RouteSocket();
      routes.setUp(1);
      routes.addVeth("weft-2", { name: "eth0", namespaceFd: workload.fd });
      const link = routes.linkIndex("weft-2");
      routes.addAddress(link, "10.77.0.1", 16);
      routes.addAddress(link, "fd77::1", 64);
      routes.setUp(link);
      routes.close();
    });
    workload.run(() => {
      const routes = new RouteSocket();
      routes.setUp(1);
      const link = routes.linkIndex("eth0");
      routes.addAddress(link, "10.77.0.2", 16);
      routes.addAddress(link, "fd77::2", 64);
      routes.setUp(link);
      routes.addDefaultRoute(link, "10.77.0.1");
      routes.addDefaultRoute(link, "fd77::1");
      routes.close();
      installCapture(ports);
    });
  });

  afterEach(() => {
    for (const listener of open.splice(0)) listener.stop(true);
    workload.close();
    fabric.close();
  });

  /** Listens and tells each connection's own listener and original destination to its client. */
  function tellArrivals(where: NetNamespace, hostname: string, port: number): void {
    const family = hostname.includes(":") ? 6 : 4;
    const listener = where.run(() =>
      Bun.listen({
        hostname,
        port,
        socket: {
          data: () => {},
          open(socket) {
            const fd = "fd" in socket && typeof socket.fd === "number" ? socket.fd : -1;
            const arrival: Arrival = {
              listener: `${hostname} ${port}`,
              original: originalDestination(fd, family),
            };
            socket.end(JSON.stringify(arrival));
          },
        },
      }),
    );
    open.push(listener);
  }

  function dial(from: NetNamespace, hostname: string, port: number): Promise<Arrival | string> {
    return new Promise((resolve) => {
      from.run(() => {
        Bun.connect({
          hostname,
          port,
          socket: {
            data: (_, chunk) => resolve(JSON.parse(chunk.toString())),
            close: () => resolve("closed"),
            connectError: (_, error) => resolve("code" in error ? String(error.code) : "failed"),
          },
        }).catch(() => {});
      });
    });
  }

  test("what the workload dials goes to the outbound port, which reads where it was going", async () => {
    tellArrivals(workload, "127.0.0.1", 15001);
    tellArrivals(workload, "::1", 15001);
    expect(await dial(workload, "240.240.0.9", 80)).toEqual({
      listener: "127.0.0.1 15001",
      original: "240.240.0.9 80",
    });
    expect(await dial(workload, "fd77:6565:6674::9", 8080)).toEqual({
      listener: "::1 15001",
      original: "fd776565667400000000000000000009 8080",
    });
  });

  test("an unmodified program without rights is captured like any other", async () => {
    tellArrivals(workload, "127.0.0.1", 15001);
    const script = `for await (const chunk of (await import("node:net")).connect(80, "240.240.0.7")) process.stdout.write(chunk);`;
    const program = launch({
      argv: [process.execPath, "-e", script],
      env: {},
      stdio: ["null", "pipe", "inherit"],
      join: [{ kind: "net", fd: workload.fd }],
      dropCapabilities: ["net_admin", "net_raw", "sys_admin"],
    });
    const answer = await new Response(Bun.file(program.pipes.get(1) ?? -1).stream()).json();
    expect(answer).toEqual({ listener: "127.0.0.1 15001", original: "240.240.0.7 80" });
  });

  test("what stays within the workload is left alone, by loopback and by its own address", async () => {
    tellArrivals(workload, "0.0.0.0", 9080);
    expect(await dial(workload, "127.0.0.1", 9080)).toMatchObject({ listener: "0.0.0.0 9080" });
    expect(await dial(workload, "10.77.0.2", 9080)).toMatchObject({ listener: "0.0.0.0 9080" });
  });

  test("what carries the proxy's mark is not captured again", async () => {
    tellArrivals(workload, "127.0.0.1", 15001);
    tellArrivals(fabric, "10.77.0.1", 9080);
    expect(await dial(workload, "10.77.0.1", 9080)).toMatchObject({ original: "10.77.0.1 9080" });
    expect(await dialMarked(workload, "10.77.0.1", 9080)).toMatchObject({ listener: "10.77.0.1 9080" });
  });

  test("what arrives goes to the inbound port, except on the mesh's own ports", async () => {
    tellArrivals(workload, "10.77.0.2", 15006);
    tellArrivals(workload, "10.77.0.2", 15008);
    expect(await dial(fabric, "10.77.0.2", 9080)).toEqual({
      listener: "10.77.0.2 15006",
      original: "10.77.0.2 9080",
    });
    expect(await dial(fabric, "10.77.0.2", 15008)).toMatchObject({ listener: "10.77.0.2 15008" });
    expect(await dial(fabric, "10.77.0.2", 15006)).toMatchObject({ listener: "10.77.0.2 15006" });
  });

  test("questions to any name server go to the sidecar's, also to one on loopback", async () => {
    const { server } = workload.run(() => ({ server: udpEcho("127.0.0.1", 15053) }));
    for (const address of ["10.77.0.1", "127.0.0.53"])
      expect(await ask(workload, address)).toBe(`asked ${address}`);
    (await server).close();
  });

  test("a second table of the name is refused in words, and a refused batch leaves nothing", () => {
    expect(() => workload.run(() => installCapture(ports))).toThrow(
      "make table weft: exists already (EEXIST)",
    );
    const chains = [{ name: "c", hook: "output" as const, rules: [unknownExpression] }];
    expect(() => workload.run(() => installTable("broken", chains))).toThrow('make rule "unknown"');
    // The name would be taken had the failed batch made anything.
    const good = { words: "fine", expressions: [...matchLocalDestination(), ...returnVerdict()] };
    workload.run(() => installTable("broken", [{ name: "c", hook: "output", rules: [good] }]));
  });
});

const unknownExpression = {
  words: "unknown",
  expressions: [
    (writer: Parameters<ReturnType<typeof returnVerdict>[number]>[0]) =>
      void writer.nested(1, () => writer.attributeString(1, "weft-nonsense")),
  ],
};

async function dialMarked(from: NetNamespace, address: string, port: number): Promise<unknown> {
  const AF_INET = 2;
  const SOCK_STREAM = 1;
  const fd = from.run(() => check("socket", native().socket(AF_INET, SOCK_STREAM, 0)));
  check("mark", native().setsockopt(fd, SOL_SOCKET, SO_MARK, new Uint32Array([ports.mark])));
  const { dlopen } = await import("bun:ffi");
  const libc = dlopen("libc.so.6", { connect: { args: ["i32", "ptr", "u32"], returns: "i32" } });
  const target = Uint8Array.of(
    AF_INET,
    0,
    port >> 8,
    port & 255,
    ...address.split(".").map(Number),
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
  );
  expect(libc.symbols.connect(fd, target, target.length)).toBe(0);
  const text = await new Response(Bun.file(fd).stream()).text();
  return JSON.parse(text);
}

function udpEcho(hostname: string, port: number) {
  return Bun.udpSocket({
    hostname,
    port,
    socket: { data: (socket, bytes, from, address) => void socket.send(bytes, from, address) },
  });
}

async function ask(from: NetNamespace, address: string): Promise<string> {
  return new Promise((resolve, reject) => {
    from.run(() => {
      const asked = Bun.udpSocket({
        socket: {
          data(socket, bytes) {
            socket.close();
            resolve(bytes.toString());
          },
        },
      });
      void asked.then((socket) => socket.send(`asked ${address}`, 53, address)).catch(reject);
      return { asked };
    });
  });
}
