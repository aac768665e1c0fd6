/** Where the sources of this program are, and its runtime: also where it was built of them into an executable (scripts/build-program.mjs). */
import { join } from "node:path";

/** Put in by the build. */
declare const WEFT_CHECKOUT: string | undefined;
declare const WEFT_RUNTIME: string | undefined;

/** What scripts/build.mjs makes needs no checkout, and finds nothing at this path. */
export const checkoutRoot =
  typeof WEFT_CHECKOUT === "string" ? WEFT_CHECKOUT : join(import.meta.dir, "../..");

/** The program `bun`. */
export const runtimePath = typeof WEFT_RUNTIME === "string" ? WEFT_RUNTIME : process.execPath;

/** The executable holds the program; Bun keeps it under this virtual folder. */
export const isSingleFile = Bun.main.startsWith("/$bunfs/");

/** One that needs no checkout. */
export const isInstalled = isSingleFile && typeof WEFT_CHECKOUT !== "string";
