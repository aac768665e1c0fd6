/** Links, addresses and routes on real kernel objects in network namespaces, and how refusals are told apart. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { NetNamespace } from "./net-namespace.ts";
import { RouteSocket } from "./rtnetlink.ts";
import { describeInNamespaces } from "./testing/permitted.ts";

describeInNamespaces("rtnetlink", () => {
  let fabric: NetNamespace;
  let workload: NetNamespace;
  let routes: RouteSocket;

  beforeEach(() => {
    fabric = NetNamespace.create();
    workload = NetNamespace.create();
    routes = fabric.run(() => new RouteSocket());
  });

  afterEach(() => {
    routes.close();
    workload.close();
    fabric.close();
  });

  test("a socket keeps working on the namespace that it was made in", () => {
    routes.addBridge("weft0");
    expect(routes.links().some((link) => link.name === "weft0")).toBe(true);
    const other = workload.run(() => new RouteSocket());
    expect(other.links().some((link) => link.name === "weft0")).toBe(false);
    other.close();
  });

  test("makes a veth whose peer is born in another namespace, on a bridge", () => {
    routes.addBridge("weft0");
    const bridge = routes.linkIndex("weft0");
    routes.addVeth("weft-2", { name: "eth0", namespaceFd: workload.fd });
    const port = routes.linkIndex("weft-2");
    routes.enslave(port, bridge);
    routes.setUp(port);
    expect(routes.links().find((link) => link.name === "weft-2")).toMatchObject({
      isUp: true,
      master: bridge,
    });
    expect(routes.links().some((link) => link.name === "eth0")).toBe(false);
    const inside = workload.run(() => new RouteSocket());
    expect(inside.links().some((link) => link.name === "eth0")).toBe(true);
    inside.close();
  });

  test("a bridge keeps the hardware address that it was given, whichever ports come and go", () => {
    const own = Uint8Array.of(0x02, 0x77, 0, 0, 0, 1);
    const lower = Uint8Array.of(0x02, 0, 0, 0, 0, 1);
    routes.addBridge("weft0", own);
    routes.addBridge("other0");
    const addressOf = (name: string) => routes.links().find((link) => link.name === name)?.hardwareAddress;
    const before = addressOf("other0");
    for (const bridge of ["weft0", "other0"]) {
      routes.addVeth(`to-${bridge}`, {
        name: `on-${bridge}`,
        namespaceFd: fabric.fd,
        hardwareAddress: lower,
      });
      routes.enslave(routes.linkIndex(`on-${bridge}`), routes.linkIndex(bridge));
    }
    expect(addressOf("on-weft0")).toBe("020000000001");
    expect(addressOf("weft0")).toBe("027700000001");
    // What it is for: without one, the lowest of the ports becomes the bridge's.
    expect(before).not.toBe("020000000001");
    expect(addressOf("other0")).toBe("020000000001");
    routes.deleteLink("to-weft0");
    expect(addressOf("weft0")).toBe("027700000001");
  });

  test("deleting one end of a veth deletes the other, and deleting it again is no error", () => {
    routes.addVeth("weft-2", { name: "eth0", namespaceFd: workload.fd });
    routes.deleteLink("weft-2");
    routes.deleteLink("weft-2");
    const inside = workload.run(() => new RouteSocket());
    expect(inside.links().some((link) => link.name === "eth0")).toBe(false);
    inside.close();
  });

  test("deletes the links of one group at once, and no other", () => {
    routes.addVeth("weft-2", { name: "eth0", namespaceFd: workload.fd }, 77);
    routes.addVeth("weft-3", { name: "eth1", namespaceFd: workload.fd }, 77);
    routes.addVeth("weft-4", { name: "eth2", namespaceFd: workload.fd });
    routes.deleteGroup(77);
    routes.deleteGroup(77);
    const names = routes.links().map((link) => link.name);
    expect(names.filter((name) => name.startsWith("weft"))).toEqual(["weft-4"]);
  });

  test("sets addresses and default routes of both families, the addresses usable at once", () => {
    const inside = workload.run(() => new RouteSocket());
    routes.addVeth("weft-2", { name: "eth0", namespaceFd: workload.fd });
    routes.setUp(routes.linkIndex("weft-2"));
    const link = inside.linkIndex("eth0");
    inside.setUp(link);
    inside.addAddress(link, "10.77.0.2", 16);
    inside.addAddress(link, "fd77::2", 64);
    inside.addDefaultRoute(link, "10.77.0.1");
    inside.addDefaultRoute(link, "fd77::1");
    expect(inside.addresses()).toEqual(expect.arrayContaining(["10.77.0.2", "fd77::2"]));
    inside.close();
    // A tentative IPv6 address could not be bound.
    const listener = workload.run(() =>
      Bun.listen({ hostname: "fd77::2", port: 0, socket: { data: () => {} } }),
    );
    listener.stop(true);
  });

  test("a taken name, a missing link and a route that leads nowhere are told apart", () => {
    routes.addBridge("weft0");
    expect(() => routes.addBridge("weft0")).toThrow("make bridge weft0: exists already (EEXIST)");
    expect(() => routes.linkIndex("none")).toThrow("no such link");
    // The kernel's own words, from the extended acknowledgement.
    expect(() => routes.addDefaultRoute(1, "192.0.2.1")).toThrow(
      "add default route by 192.0.2.1: Nexthop has invalid gateway (ENETUNREACH)",
    );
  });

  test("refuses names that the kernel would refuse without a reason", () => {
    expect(() => routes.addBridge("a-name-too-long-")).toThrow("1 to 15 bytes");
    expect(() => routes.addBridge("")).toThrow("1 to 15 bytes");
    expect(() => routes.addAddress(1, "10.77.0.256", 16)).toThrow("no IP address");
  });
});
