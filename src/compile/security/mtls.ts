/** How the connections to a workload must be protected, at each of its ports. */
import type { MtlsModeName } from "../../api/index.ts";
import type { WorkloadView } from "../../registry/index.ts";
import type { InputReader } from "../inputs.ts";
import { effectiveMode, type Levelled } from "./authentication.ts";
import { portPlace, portsOf, type ServicesOfPort, workloadPlace } from "./places.ts";
import { levels, type Place } from "./aimed-policies.ts";

/** A port is nearer than the workload that it is of. */
const portLevel = levels.workload + 1;

export function modeOfWorkload(inputs: InputReader, workload: WorkloadView): MtlsModeName {
  return modeAt(inputs, workloadPlace(workload), undefined);
}

export function modeOfPort(
  inputs: InputReader,
  workload: WorkloadView,
  port: number,
  services: ServicesOfPort,
): MtlsModeName {
  return modeAt(inputs, portPlace(workload, services), port);
}

function modeAt(inputs: InputReader, place: Place, port: number | undefined): MtlsModeName {
  const said = modesAt(inputs, place, port);
  if (said.length === 0) return effectiveMode([], false);
  return effectiveMode(said, inputs.securitySettings().namespacesMayLoosen);
}

function modesAt(inputs: InputReader, place: Place, port: number | undefined): Levelled<MtlsModeName>[] {
  return inputs.security.authenticationAt(place).flatMap(({ level, hasSection, value: { policy } }) => {
    const { mode, ports = [] } = policy.spec.mtls ?? {};
    const atPort = ports.find((each) => each.port === port)?.mode;
    return [
      ...(mode === undefined ? [] : [{ level: hasSection ? portLevel : level, value: mode }]),
      ...(atPort === undefined ? [] : [{ level: portLevel, value: atPort }]),
    ];
  });
}

/** Whether callers dial the application's port itself, without the mesh's encryption. */
export function isPlaintext(inputs: InputReader, path: string, port: number): boolean {
  if (!inputs.security.hasDisabled) return false;
  const workload = inputs.workload(path);
  if (workload === undefined) return false;
  const services = portsOf(inputs, workload).get(port) ?? new Map<string, string[]>();
  return modeOfPort(inputs, workload, port, services) === "Disabled";
}

/** The same for all that it listens on: whoever dials it directly says no port beforehand. */
export function isPlaintextEverywhere(inputs: InputReader, workload: WorkloadView): boolean {
  if (!inputs.security.hasDisabled) return false;
  const ports = [...portsOf(inputs, workload)];
  return (
    modeOfWorkload(inputs, workload) === "Disabled" &&
    ports.every(([port, services]) => modeOfPort(inputs, workload, port, services) === "Disabled")
  );
}
