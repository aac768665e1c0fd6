/** The outer process of `weft run`: finds the mesh, makes sure that a Service and an identity are there, and has the program run inside. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { isKindName, type Service } from "../api/index.ts";
import type { ApiClient } from "../client/index.ts";
import { type Clock, errorLine, type Log, type LogLevel, WeftError } from "../kernel/index.ts";
import { baseObjects, type PlainObject } from "./base-objects.ts";
import { controlClient, hostClient } from "./control-client.ts";
import { shellExitCode } from "./describe-exit.ts";
import { innerEnvironment } from "./inner-environment.ts";
import { findInstance, type InstanceRecord, instanceRoot } from "./instance.ts";
import { joinFabric } from "./isolation.ts";
import { LoopbackFabric } from "./loopback-fabric.ts";
import { ProgramRun } from "./program-run.ts";
import type { Program } from "./programs.ts";
import { type RunSpec, writeSpec } from "./supervisor-spec.ts";
import { weftCommand } from "./weft-command.ts";

export interface RunOptions {
  readonly instance: string | undefined;
  readonly program: Program;
  readonly env: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly log: Log;
  readonly logFormat: "text" | "json";
  readonly logLevel: LogLevel;
  /** Given what passes a signal on to the program. */
  readonly onSignal: (pass: (signal: number) => void) => void;
}

/** Resolves with the program's exit code. Rejects where it could not be run. */
export async function runProgram(options: RunOptions): Promise<number> {
  const { env, program, log } = options;
  const record = findInstance(instanceRoot(env), options.instance);
  await makeRoom(hostClient(record), program, log);
  return record.isolation === "loopback" ? runHere(record, options) : runInside(record, options);
}

async function runHere(record: InstanceRecord, options: RunOptions): Promise<number> {
  const { id: instanceId, api, ads, dataDir } = record;
  const fabric = new LoopbackFabric({ instanceId, api, ads, log: options.log });
  const run = new ProgramRun({ ...options, fabric, dataDir, ads, connect: controlClient });
  options.onSignal((signal) => run.signal(signal));
  return run.toEnd();
}

async function runInside(record: InstanceRecord, options: RunOptions): Promise<number> {
  const { program, env, log, logFormat, logLevel } = options;
  const spec: RunSpec = {
    task: "run",
    instanceId: record.id,
    instanceDirectory: join(instanceRoot(env), record.name),
    api: record.api,
    ads: record.ads,
    dataDir: record.dataDir,
    ...{ program, logFormat, logLevel },
  };
  const specFile = writeSpec(spec);
  const inner = await joinFabric(record, {
    argv: (kind) => weftCommand("fabric", "--kind", kind, "--spec", specFile),
    env: innerEnvironment(env, spec.instanceDirectory),
    instanceId: record.id,
    log,
    onMessage: () => {},
    ownSession: false,
  }).finally(() => rmSync(specFile, { force: true }));
  options.onSignal((signal) => void inner.kill(signal));
  return shellExitCode(await inner.exited);
}

/** What the workload needs in the control plane and nobody has described. */
async function makeRoom(client: ApiClient, program: Program, log: Log): Promise<void> {
  const services = await client.list("Service", { namespace: program.namespace });
  const isSelected = services.items.some((service) => selects(service, program));
  const hasName = services.items.some(({ metadata }) => metadata.name === program.service);
  if (!isSelected && hasName) {
    throw new WeftError("conflict", `service ${program.service} is there and does not select this workload`, {
      hint: "give it the labels of the service's selector by --label",
    });
  }
  const described = (kind: string): boolean => kind === "Service" && isSelected;
  const objects = await missing(client, baseObjects([program], described, "weft-run"));
  if (objects.length === 0) return;
  try {
    await client.transact({ objects, message: `weft run ${program.name}` });
  } catch (error) {
    // Two runs of one service at once: the other one made it.
    if (!(error instanceof WeftError) || (error.code !== "conflict" && error.code !== "already_exists"))
      throw error;
    log.debug(`the service was made by another run: ${errorLine(error)}`);
  }
}

function selects(service: Service, program: Program): boolean {
  const { selector } = service.spec;
  if (selector === undefined || Object.keys(selector).length === 0) return false;
  return Object.entries(selector).every(([key, value]) => program.labels[key] === value);
}

async function missing(client: ApiClient, objects: readonly PlainObject[]): Promise<PlainObject[]> {
  const checks = objects.map(async (object) => ({ object, isThere: await isThere(client, object) }));
  return (await Promise.all(checks)).filter((check) => !check.isThere).map(({ object }) => object);
}

async function isThere(
  client: ApiClient,
  { kind, metadata: { name, namespace = "" } }: PlainObject,
): Promise<boolean> {
  if (!isKindName(kind)) return false;
  try {
    await client.get(kind, { namespace, name });
    return true;
  } catch (error) {
    if (error instanceof WeftError && error.code === "not_found") return false;
    throw error;
  }
}
