export type {
  EffectiveConfiguration,
  EffectiveResource,
  EndpointHealthView,
  MeshChanges,
  MeshProblem,
  ObjectOrigin,
  SimulationInput,
} from "./input.ts";
export type { CompiledSource } from "./compiled-mesh.ts";
export { SimulatedMesh } from "./simulated-mesh.ts";
