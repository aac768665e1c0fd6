/** The compiled parser that undici ships: undici's own types leave it out. */
declare module "undici/lib/llhttp/llhttp-wasm.js" {
  const bytes: Uint8Array<ArrayBuffer>;
  export = bytes;
}
