/** Files of resources as `weft serve` follows them: named here, read where they are compiled. */
import { WeftError } from "../kernel/index.ts";
import type { FileSource } from "../standalone/index.ts";
import { listFiles } from "./list-files.ts";

/** Throws `usage` for stdin. */
export function fileSource(paths: readonly string[], namespace: string): FileSource {
  if (paths.includes("-")) {
    throw new WeftError("usage", "weft serve follows files; - cannot be followed", {
      hint: "write it into a file",
    });
  }
  return {
    paths,
    list: () => listFiles(paths),
    async read() {
      const [{ readFiles }, { checkDocuments }] = await Promise.all([
        import("./read-files.ts"),
        import("./check-documents.ts"),
      ]);
      const documents = await readFiles(paths);
      const { objects } = checkDocuments(documents, namespace);
      return objects.flatMap((object, index) => {
        const source = documents[index];
        return source === undefined ? [] : [{ object, source }];
      });
    },
  };
}
