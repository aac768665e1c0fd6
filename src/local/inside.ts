/**
 * The inner process of a local mesh, started in the fabric's namespaces by `weft up` or `weft run`. It first says whether the
 * fabric can be had; then it supervises the mesh, or runs one program.
 */
import { currentNetNamespaceId } from "../intercept/index.ts";
import { type Clock, errorLine, type Log } from "../kernel/index.ts";
import { controlClient } from "./control-client.ts";
import { withoutInnerParts } from "./inner-environment.ts";
import { reportToOuter } from "./inner-report.ts";
import type { InnerKind } from "./isolation.ts";
import { LocalMesh } from "./mesh.ts";
import { NamespaceFabric, type NamespaceFabricOptions } from "./namespace-fabric.ts";
import { ProgramRun } from "./program-run.ts";
import { asWeftError, reportOutcome } from "./supervisor-report.ts";
import { type MeshSpec, readSpec, type RunSpec, type SupervisorSpec } from "./supervisor-spec.ts";

export interface InsideOptions {
  readonly kind: InnerKind;
  readonly specFile: string;
  readonly env: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly makeLog: (spec: SupervisorSpec) => Log;
  /** Given what is to be called with each signal. */
  readonly onSignal: (pass: (signal: number) => void) => void;
}

/** Resolves with the exit code of the process. */
export async function runInside(options: InsideOptions): Promise<number> {
  const spec = readSpec(options.specFile);
  const log = options.makeLog(spec);
  const { instanceId, instanceDirectory, api } = spec;
  const fabricOptions: NamespaceFabricOptions = {
    kind: options.kind,
    instanceId,
    instanceDirectory,
    api,
    log,
  };
  let fabric: NamespaceFabric;
  try {
    fabric =
      spec.task === "mesh" ? await NamespaceFabric.open(fabricOptions) : NamespaceFabric.join(fabricOptions);
  } catch (error) {
    reportToOuter({ event: "fabric_refused", reason: errorLine(error) });
    return 0;
  }
  reportToOuter({ event: "fabric_ready", netNamespaceId: currentNetNamespaceId() });
  return spec.task === "mesh"
    ? superviseMesh(spec, fabric, options, log)
    : runOne(spec, fabric, options, log);
}

async function superviseMesh(
  spec: MeshSpec,
  fabric: NamespaceFabric,
  options: InsideOptions,
  log: Log,
): Promise<number> {
  const { clock } = options;
  const env = withoutInnerParts(options.env);
  const mesh = new LocalMesh({ ...spec, fabric, env, clock, log, connect: controlClient });
  const asked = new Promise<void>((resolve) => {
    options.onSignal(() => resolve());
  });
  const started = mesh.start().then(
    (ready) => reportOutcome({ kind: "ready", ready }),
    (error: unknown) => reportOutcome({ kind: "failed", error: asWeftError(error) }),
  );
  await asked;
  await mesh.stop();
  await started;
  return 0;
}

async function runOne(
  spec: RunSpec,
  fabric: NamespaceFabric,
  options: InsideOptions,
  log: Log,
): Promise<number> {
  const { clock } = options;
  const env = withoutInnerParts(options.env);
  const run = new ProgramRun({ ...spec, fabric, env, clock, log, connect: controlClient });
  options.onSignal((signal) => run.signal(signal));
  return run.toEnd();
}
