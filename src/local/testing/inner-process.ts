/**
 * For tests: the inner process of a fabric. It opens (or joins) the fabric, runs the scenario that its arguments name and
 * reports what it saw; or it stays until it is told to end.
 */
import { readFileSync } from "node:fs";
import { closeDescriptor, currentNetNamespaceId, type Launched, RouteSocket } from "../../intercept/index.ts";
import { errorLine, silentLog } from "../../kernel/index.ts";
import type { Fabric, Site, SiteLaunch } from "../fabric.ts";
import { reportToOuter } from "../inner-report.ts";
import { NamespaceFabric } from "../namespace-fabric.ts";

const [scenario = "", kindName = "", instanceId = "", instanceDirectory = ""] = process.argv.slice(2);
const env = { PATH: process.env["PATH"] ?? "/usr/bin:/bin" };
const noPorts = { ports: [], upstreams: [] };

function say(fields: Record<string, string | number | boolean>): void {
  reportToOuter({ event: "status", fields });
}

async function outputOf(launched: Launched): Promise<string> {
  const end = launched.pipes.get(1) ?? -1;
  const text = await new Response(Bun.file(end).stream()).text();
  closeDescriptor(end);
  await launched.exited;
  return text.trim();
}

function script(source: string): SiteLaunch {
  return { argv: [process.execPath, "-e", source], env, stdio: ["null", "pipe", "inherit"] };
}

function shell(source: string): SiteLaunch {
  return { argv: ["sh", "-c", source], env, stdio: ["null", "pipe", "inherit"] };
}

async function firstLine(launched: Launched): Promise<string> {
  let text = "";
  for await (const chunk of Bun.file(launched.pipes.get(1) ?? -1).stream()) {
    text += new TextDecoder().decode(chunk);
    if (text.includes("\n")) break;
  }
  return text.split("\n")[0] ?? "";
}

const listenAndTell = (host: string, port: number, answer: string): string => `
  Bun.listen({ hostname: ${JSON.stringify(host)}, port: ${port}, socket: {
    data() {}, open(socket) { socket.end(${JSON.stringify(answer)} + " " + socket.remoteAddress) } } });
  console.log("listening");`;

const dialAndPrint = (host: string, port: number): string => `
  Bun.connect({ hostname: ${JSON.stringify(host)}, port: ${port}, socket: {
    data(_, chunk) { console.log(String(chunk)) }, connectError(_, error) { console.log(error.code) } } }).catch(() => {});`;

async function traffic(fabric: Fabric): Promise<void> {
  const [front, reviews] = await Promise.all([
    fabric.addWorkload({ namespace: "shop", name: "front", ...noPorts }),
    fabric.addWorkload({ namespace: "shop", name: "reviews", ...noPorts }),
  ]);
  const [sidecar, tunnel] = [
    front.launchProxy(script(listenAndTell("127.0.0.1", 15001, "captured"))),
    reviews.launchProxy(script(listenAndTell("0.0.0.0", 15008, "tunnel"))),
  ];
  await Promise.all([firstLine(sidecar), firstLine(tunnel)]);
  const address = reviews.proxy.tunnel.address;
  say({
    addresses: [...front.addresses, ...reviews.addresses].join(" "),
    program: await outputOf(front.launchProgram(script(dialAndPrint("240.240.0.9", 80)))),
    peer: await outputOf(fabric.launchControl(script(dialAndPrint(address, 15008)))),
    closed: await outputOf(fabric.launchControl(script(dialAndPrint(address, 9999)))),
    routes: await outputOf(fabric.launchControl(shell("cat /proc/net/route"))),
  });
}

async function program(fabric: Fabric): Promise<void> {
  const upstream = { service: "ratings", port: 9080, protocol: "http" };
  const site = await fabric.addWorkload({
    namespace: "shop",
    name: "reviews",
    ports: [{ port: 80, name: "http", protocol: "http" }],
    upstreams: [
      { ...upstream, namespace: "shop" },
      { ...upstream, namespace: "data", service: "user-db" },
    ],
  });
  say({
    environment: JSON.stringify(site.environment),
    ids: await outputOf(site.launchProgram(shell("id -u; id -g"))),
    capabilities: await outputOf(site.launchProgram(shell("grep -E 'Cap(Eff|Bnd)' /proc/self/status"))),
    resolv: await outputOf(site.launchProgram(shell("cat /etc/resolv.conf"))),
    low_port: await outputOf(
      site.launchProgram(script(`${listenAndTell("0.0.0.0", 80, "")} process.exit(0);`)),
    ),
    escape: await outputOf(
      site.launchProgram(shell(`nsenter --net=/proc/${process.pid}/ns/net true 2>&1 || echo refused`)),
    ),
    home_resolv: readFileSync("/etc/resolv.conf", "utf8"),
  });
}

async function removal(fabric: Fabric): Promise<void> {
  const link = (): string => {
    const routes = new RouteSocket();
    const names = routes.links().map(({ name }) => name);
    routes.close();
    return names.filter((name) => name.startsWith("weft-")).join(" ");
  };
  const site = await fabric.addWorkload({ namespace: "shop", name: "reviews", ...noPorts });
  const daemon = await firstLine(site.launchProgram(shell("setsid sleep 61 & echo $!; wait")));
  const isAlive = (): boolean => {
    try {
      return !/^State:\s*Z/m.test(readFileSync(`/proc/${daemon}/status`, "utf8"));
    } catch {
      return false;
    }
  };
  const before = { alive: isAlive(), links: link() };
  await site.remove();
  await site.remove();
  const again: Site = await fabric.addWorkload({ namespace: "shop", name: "reviews", ...noPorts });
  say({
    before: `${before.alive} ${before.links}`,
    after: `${isAlive()} ${link()}`,
    again: again.addresses[0] ?? "",
  });
  await fabric.close();
  await fabric.close();
  const routes = new RouteSocket();
  say({ left: routes.links().filter(({ name }) => name.startsWith("weft")).length });
  routes.close();
}

/** Until it is told to end: with a workload whose program would run for a minute. */
async function stay(fabric: Fabric): Promise<void> {
  const site = await fabric.addWorkload({ namespace: "shop", name: "reviews", ...noPorts });
  const sleeping = site.launchProgram({ argv: ["sleep", "60"], env, stdio: ["null", "null", "null"] });
  // Before the report, whose reader may send the signal at once.
  const told = new Promise((resolve) => process.on("SIGTERM", resolve));
  say({ program: sleeping.pid, inner: process.pid, address: site.addresses[0] ?? "" });
  await told;
  await fabric.close();
  say({ closed: true });
}

const scenarios: Record<string, (fabric: Fabric) => Promise<void>> = { traffic, program, removal, stay };

try {
  const kind = kindName === "netns" ? "netns" : "userns";
  const api = { address: "127.0.0.1", port: 15_080 };
  const options = { kind, instanceId, instanceDirectory, api, log: silentLog } as const;
  const isJoining = process.env["WEFT_TEST_JOIN"] === "1";
  const fabric = isJoining ? NamespaceFabric.join(options) : await NamespaceFabric.open(options);
  reportToOuter({ event: "fabric_ready", netNamespaceId: currentNetNamespaceId() });
  await scenarios[scenario]?.(fabric);
  await fabric.close();
} catch (error) {
  reportToOuter({ event: "fabric_refused", reason: errorLine(error) });
}
process.exit(0);
