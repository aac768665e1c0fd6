/** What lies outside of the mesh and is no external service: passed or denied, and its names. */
import { describe, expect, test } from "bun:test";
import { clientHello } from "../testing/client-hello.ts";
import { scrape } from "../testing/eventually.ts";
import { ExternalScene, httpServer, virtualIp } from "../testing/external-scene.ts";

describe("what the mesh does not know", () => {
  test("passes where that is allowed, counted, and the log has the name that was said", async () => {
    const app = httpServer("outside");
    const meshFields = { allowUnknownDestinations: true };
    await using scene = await ExternalScene.start(
      [],
      { address: "127.0.0.1", port: app.port },
      { meshFields },
    );
    const peer = await scene.dial();
    peer.write("GET / HTTP/1.1\r\nuser-agent: test\r\nHOST: www.example.com:8080\r\n\r\n");
    await peer.until("outside");
    peer.shutdown();
    await peer.toEnd();
    const secure = await scene.dial();
    const bytes = clientHello("secure.example.com");
    secure.write(bytes.subarray(0, 20));
    await Bun.sleep(2);
    secure.write(bytes.subarray(20));
    await Bun.sleep(2);
    secure.shutdown();
    await secure.toEnd();
    const lines = await scene.log(2);
    expect(lines.map(({ detail }) => detail)).toEqual(["www.example.com", "secure.example.com"]);
    expect(lines[0]).toMatchObject({ upstream: `127.0.0.1:${app.port}`, destination_service: "" });
    expect(await scrape(scene.proxy)).toContain("weft_passthrough_connections_total 2");
    app.stop();
  });

  test("is denied where the namespace denies it, and the log says where it was going", async () => {
    const meshFields = { allowUnknownDestinations: true };
    const destination = { address: "192.0.2.1", port: 443 };
    await using scene = await ExternalScene.start([], destination, { meshFields, denies: true });
    const peer = await scene.dial();
    expect(await peer.toEnd()).toBe("");
    expect((await scene.log())[0]).toMatchObject({ reason: "destination_denied", upstream: "192.0.2.1:443" });
    const metrics = await scrape(scene.proxy);
    expect(metrics).toContain('refused_total{listener="outbound",reason="destination_denied"} 1');
    expect(metrics).toContain("weft_passthrough_connections_total 0");
  });
});

describe("names outside of the mesh's domain", () => {
  async function ask(scene: ExternalScene, name: string): Promise<string> {
    const labels = name.split(".").flatMap((label) => [label.length, ...Buffer.from(label)]);
    const query = Uint8Array.from([0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, 1, 0, 1]);
    const { promise, resolve } = Promise.withResolvers<Uint8Array>();
    const socket = await Bun.udpSocket({
      hostname: "127.0.0.1",
      socket: { data: (_, bytes) => resolve(bytes) },
    });
    socket.send(query, scene.proxy.bound.dns?.port ?? 0, "127.0.0.1");
    const answer = await promise;
    socket.close();
    return (answer[7] ?? 0) === 0 ? `code ${(answer[3] ?? 0) & 15}` : answer.slice(-4).join(".");
  }

  const zone = { names: { "www.example.com": ["192.0.2.80"], "api.example.com": ["192.0.2.81"] } };

  test("lead to an external service's virtual address where they are its, else where they lead", async () => {
    await using scene = await ExternalScene.start([], { address: "192.0.2.1", port: 1 }, { zone });
    expect(await ask(scene, "api.example.com")).toBe(virtualIp);
    expect(scene.agent.prefetched).toContain(virtualIp);
    expect(await ask(scene, "www.example.com")).toBe("192.0.2.80");
  });

  test("lead where they lead while the control plane cannot say, at once where it is not connected", async () => {
    await using scene = await ExternalScene.start([], { address: "192.0.2.1", port: 1 }, { zone });
    scene.agent.isMute = true;
    scene.agent.status = { ...scene.agent.status, isConnected: false };
    expect(await ask(scene, "www.example.com")).toBe("192.0.2.80");
    expect(scene.agent.expiredLookups).toBe(0);
    // What was known before is known.
    scene.agent.isMute = false;
    expect(await ask(scene, "api.example.com")).toBe(virtualIp);
    scene.agent.isMute = true;
    scene.agent.status = { ...scene.agent.status, isConnected: true };
    expect(await ask(scene, "www.example.com")).toBe("192.0.2.80");
    expect(scene.agent.expiredLookups).toBe(1);
  });

  test("are nobody's business where there is no external service with a name", async () => {
    const meshFields = { hasExternalNames: false };
    await using scene = await ExternalScene.start(
      [],
      { address: "192.0.2.1", port: 1 },
      { zone, meshFields },
    );
    expect(await ask(scene, "api.example.com")).toBe("192.0.2.81");
  });
});
