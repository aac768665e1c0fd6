/** Keys of issuers reach the gateway's configuration, whichever process compiles it, and outlive a restart. */
import { afterEach, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { silentLog, systemClock, VirtualClock } from "../kernel/index.ts";
import { GatewaySchema } from "../model/index.ts";
import { CompilerProcess } from "./compiler-process.ts";
import { FilePipeline } from "./file-pipeline.ts";
import { IssuerKeys } from "./issuer-keys.ts";
import type { Pipeline } from "./pipeline.ts";
import { gateway, route, service, TestFiles } from "./testing/test-files.ts";

const timeoutMs = 180_000;
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).toReversed()) close();
});

function keySet(kid: string): string {
  const { publicKey } = generateKeyPairSync("ed25519");
  return JSON.stringify({ keys: [{ ...publicKey.export({ format: "jwk" }), kid }] });
}

function policy(jwksUri: string): object {
  return {
    apiVersion: "weft.dev/v1alpha1",
    kind: "AuthenticationPolicy",
    metadata: { name: "tokens" },
    spec: {
      targetRefs: [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "door" }],
      jwt: { required: true, providers: [{ name: "login", issuer: "https://issuer.example", jwksUri }] },
    },
  };
}

/** What the listener would verify with. */
function keysOf(pipeline: Pipeline): string | undefined {
  const found = pipeline.agent.everything().upserts.find(({ kind }) => kind === "Gateway");
  const admissions = found === undefined ? [] : fromBinary(GatewaySchema, found.bytes).admissions;
  return admissions[0]?.jwt?.providers[0]?.jwks;
}

function inProcess(files: TestFiles): Pipeline {
  return new FilePipeline({
    files,
    gatewayHost: () => ({ address: "127.0.0.1" }),
    commit: () => Promise.resolve(),
    clock: new VirtualClock(),
    log: silentLog,
  });
}

function inAnother(files: TestFiles): Pipeline {
  const program = join(import.meta.dir, "../cli/main.ts");
  return new CompilerProcess({
    command: [
      process.execPath,
      program,
      "compiler",
      "--filename",
      files.path,
      "--gateway",
      "127.0.0.1",
      "--log-level",
      "error",
    ],
    commit: () => Promise.resolve(),
    clock: new VirtualClock(),
    log: silentLog,
  });
}

test.each([
  ["this process", inProcess],
  ["another one", inAnother],
])(
  "compiled by %s",
  async (_name, pipelineOf) => {
    const files = new TestFiles();
    closers.push(() => files[Symbol.dispose]());
    const published = keySet("one");
    const issuer = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response(published) });
    closers.push(() => void issuer.stop(true));
    files.write(
      "all.yaml",
      gateway(8080),
      ...service("web", 1),
      route("web", "web"),
      policy(`${issuer.url.href}jwks`),
    );

    const open = (pipeline: Pipeline) => {
      closers.push(() => pipeline.close());
      const told = Promise.withResolvers<void>();
      const keys = new IssuerKeys({
        settings: { allowsLoopback: true },
        directory: join(files.path, "jwks"),
        pipeline,
        recompile: told.resolve,
        clock: systemClock,
        log: silentLog,
      });
      closers.push(() => keys.close());
      return { pipeline, keys, told: told.promise };
    };

    const first = open(pipelineOf(files));
    await first.pipeline.load();
    expect(keysOf(first.pipeline)).toBe("");
    await first.keys.start();
    await first.told;
    await first.pipeline.reload();
    first.keys.follow();
    expect(keysOf(first.pipeline)).toBe(published);
    first.keys.close();

    // The issuer is gone, and another process starts: with the keys on disk, before it serves.
    await issuer.stop(true);
    const second = open(pipelineOf(files));
    await second.pipeline.load();
    await second.keys.start();
    expect(keysOf(second.pipeline)).toBe(published);

    // Nobody names the issuer any more.
    files.write("all.yaml", gateway(8080), ...service("web", 1), route("web", "web"));
    await second.pipeline.reload();
    second.keys.follow();
    expect(second.pipeline.keySets).toEqual([]);
    expect(keysOf(second.pipeline)).toBeUndefined();
  },
  timeoutMs,
);
