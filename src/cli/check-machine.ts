/** Looks at this machine before there is a mesh: which isolation it allows and whether the usual ports are free. */
import { probeNetNamespace, probeUserNamespace } from "../intercept/index.ts";
import type { Finding } from "./finding.ts";

const usualPorts: readonly { readonly port: number; readonly use: string }[] = [
  { port: 15_080, use: "the API" },
  { port: 8080, use: "the example's gateway" },
];

export async function checkMachine(): Promise<Finding[]> {
  const runtime: Finding = {
    level: "ok",
    message: `Bun ${Bun.version} on ${process.platform}-${process.arch}`,
  };
  return [runtime, ...checkIsolation(), ...usualPorts.map(checkPort)];
}

function checkIsolation(): Finding[] {
  if (process.platform !== "linux") {
    return [
      { level: "bad", message: `a local mesh needs Linux; run weft in a Linux container or virtual machine` },
    ];
  }
  const probes = { netns: probeNetNamespace(), userns: probeUserNamespace() };
  const findings = Object.entries(probes).map(([kind, refusal]): Finding => {
    if (refusal === undefined) return { level: "ok", message: `isolation ${kind} is possible` };
    return { level: "note", message: `isolation ${kind} is not possible: ${refusal}` };
  });
  if (Object.values(probes).every((refusal) => refusal !== undefined)) {
    findings.push({
      level: "note",
      message: "weft up will use loopback: programs must follow HOST, PORT and <SERVICE>_URL",
    });
  }
  return findings;
}

function checkPort({ port, use }: { readonly port: number; readonly use: string }): Finding {
  try {
    Bun.listen({ hostname: "127.0.0.1", port, socket: { data: () => {} } }).stop(true);
    return { level: "ok", message: `port ${port} is free for ${use}` };
  } catch {
    return { level: "note", message: `port ${port} is in use; ${use} needs another one` };
  }
}
