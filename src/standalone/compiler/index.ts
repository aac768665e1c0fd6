export { runCompilerProcess } from "./compiler-main.ts";
