/** What crosses the wire between two workloads: nothing that anybody could read. */
import { expect } from "bun:test";
import { curlInside, workloadPlace } from "./harness/inside-fabric.ts";
import { startMesh } from "./harness/mesh.ts";
import { isolationRefusal, missingPrograms, testUnless } from "./harness/requirements.ts";
import { httpPort, program, testProgram, webProgram, yaml } from "./harness/resources.ts";
import { WireCapture } from "./harness/wire-capture.ts";

const greeter = program({
  name: "greeter",
  command: testProgram("greeter"),
  ports: [{ port: 2525, protocol: "" }],
});

testUnless(missingPrograms(["tcpdump", "nsenter", "curl", "bash"]), isolationRefusal("netns"))(
  "a capture between workloads holds no plaintext of a request, an answer or a TCP session",
  async () => {
    await using mesh = await startMesh({
      isolation: "netns",
      files: { "mesh.yaml": yaml(webProgram("v1"), greeter) },
    });
    await using wire = await WireCapture.start(mesh);

    // Each marker in one place of the exchange: path, header, request body and answer, answer's header.
    const script = `
      curl --silent --show-error --include --max-time 10 --data "marker-in-body-$(seq -s - 1 500)" \\
        --header 'x-marker: marker-in-header' 'http://web:${httpPort}/echo?marker-in-query'
      exec 3<>/dev/tcp/greeter/2525
      read -r greeting <&3; echo "$greeting"
      echo marker-in-session >&3
      read -r line <&3; echo "$line"`;
    const run = mesh.run({ service: "client", command: ["bash", "-c", script] });
    const { code, stdout, stderr } = await run.within(30_000);
    expect({ code, stderr }).toEqual({ code: 0, stderr });
    // The programs themselves got all of it.
    expect(stdout).toContain("HTTP/1.1 200 OK");
    expect(stdout).toContain("x-echo: marker-in-header");
    expect(stdout).toContain("marker-in-body-1-2-3");
    expect(stdout).toContain("220 greetings");
    expect(stdout).toContain("250 marker-in-session");

    // The capture would show a marker if one were sent in the clear: a question to a sidecar's health port is.
    const { address } = await workloadPlace(mesh, "web-v1");
    await curlInside(mesh, `http://${address}:15021/marker-in-the-clear`);
    await wire.untilSeen("marker-in-the-clear");
    const bytes = wire.bytes();
    // The body alone is 2 KB, there and back.
    expect(bytes.length).toBeGreaterThan(8_000);
    const secrets = ["marker-in-", "POST /echo", "x-version", "x-echo", "220 greetings", "user-agent: curl"];
    for (const text of secrets) {
      const found = occurrences(bytes, text).filter((context) => !isHealthQuestion(context));
      expect({ text, found }).toEqual({ text, found: [] });
    }
  },
);

/** Around each occurrence, in whatever case. */
function occurrences(bytes: Buffer, text: string): string[] {
  const haystack = bytes.toString("latin1").toLowerCase();
  const needle = text.toLowerCase();
  const found: string[] = [];
  for (let at = haystack.indexOf(needle); at >= 0; at = haystack.indexOf(needle, at + 1)) {
    found.push(haystack.slice(Math.max(0, at - 200), at + 200));
  }
  return found;
}

/** The supervisor's and our own questions to health ports are in the clear: there is nothing to them. */
function isHealthQuestion(context: string): boolean {
  return context.includes(":15021");
}
