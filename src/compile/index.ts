export { type CompileChange, Compiler, type CompileOutput, type CompilerOptions } from "./compiler.ts";
export type { CompiledResource, ResourceName } from "./resource.ts";
export { mergeStatus, type StatusUpdate } from "./status.ts";
