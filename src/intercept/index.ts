export { type CapturePorts, captureTable, installCapture } from "./capture-rules.ts";
export { errnoOf } from "./errno.ts";
export { launch, type Refusal, tryLaunch } from "./launch.ts";
export type {
  Bind,
  CapabilityName,
  Exit,
  JoinedNamespace,
  Launched,
  LaunchSpec,
  StdioSource,
} from "./launch-spec.ts";
export { closeDescriptor, lockFile, makePipe, openReadOnly } from "./native.ts";
export { currentNetNamespaceId, NetNamespace } from "./net-namespace.ts";
export { type ProbeResult, probeNetNamespace, probeUserNamespace } from "./probe.ts";
export { type Link, RouteSocket } from "./rtnetlink.ts";
export {
  isSameProcess,
  killAll,
  processesInNetNamespace,
  processesWithVariable,
  processStartTime,
  signalProcess,
} from "./processes.ts";
