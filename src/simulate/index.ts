export type {
  EffectiveConfiguration,
  EffectiveResource,
  EndpointHealthView,
  MeshChanges,
  MeshProblem,
  ObjectOrigin,
  SimulationInput,
} from "./input.ts";
export { SimulatedMesh } from "./simulated-mesh.ts";
