export { type CapturePorts, installCapture } from "./capture-rules.ts";
export { errnoOf } from "./errno.ts";
export { launch, tryLaunch } from "./launch.ts";
export type {
  Bind,
  CapabilityName,
  Exit,
  Launched,
  LaunchSpec,
} from "./launch-spec.ts";
export { closeDescriptor, lockFile, makePipe, openReadOnly } from "./native.ts";
export { currentNetNamespaceId, NetNamespace } from "./net-namespace.ts";
export { type ProbeResult, probeNetNamespace, probeUserNamespace } from "./probe.ts";
export { RouteSocket } from "./rtnetlink.ts";
export {
  isSameProcess,
  killAll,
  processesInNetNamespace,
  processesWithVariable,
  processStartTime,
  signalProcess,
} from "./processes.ts";
