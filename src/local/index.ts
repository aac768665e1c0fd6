export { baseObjects } from "./base-objects.ts";
export { gatewayDoors } from "./gateway-doors.ts";
export { runInside } from "./inside.ts";
export { findInstance, type InstanceRecord, instanceRoot, runningInstances } from "./instance.ts";
export { type Program } from "./programs.ts";
export { defaultPortName, readMeshFiles } from "./programs.ts";
export { runProgram } from "./run.ts";
export { LocalUp, type UpReady } from "./up.ts";
