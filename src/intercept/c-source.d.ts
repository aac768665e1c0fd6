/** A C source imported with `type: "file"` is its path. */
declare module "*.c" {
  const path: string;
  export default path;
}
