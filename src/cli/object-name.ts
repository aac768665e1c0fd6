/** One object as it is named in an option: `httproute/reviews`, or with its namespace `httproute/shop/reviews`. */
import { type Deletion, findKind, kindNames, kinds } from "../api/index.ts";
import { WeftError } from "../kernel/index.ts";

interface ObjectName extends Deletion {
  /** As the API has it: "KIND/NAMESPACE/NAME", or "KIND/NAME". */
  readonly path: string;
}

/** Throws `usage`. */
export function parseObjectName(text: string, defaultNamespace: string): ObjectName {
  const [kindText = "", ...rest] = text.split("/");
  const kind = findKind(kindText);
  if (kind === undefined) {
    throw new WeftError("usage", `there is no kind ${JSON.stringify(kindText)}`, {
      hint: `kinds are ${kindNames.join(", ")}`,
    });
  }
  const { namespaced } = kinds[kind];
  const name = rest.at(-1) ?? "";
  if (name === "" || rest.includes("") || rest.length > (namespaced ? 2 : 1)) {
    throw new WeftError("usage", `${JSON.stringify(text)} names no object`, {
      hint: namespaced ? "write KIND/NAME or KIND/NAMESPACE/NAME" : `write ${kindText}/NAME`,
    });
  }
  if (!namespaced) return { kind, name, path: `${kind}/${name}` };
  const namespace = rest.length === 2 ? (rest[0] ?? "") : defaultNamespace;
  return { kind, namespace, name, path: `${kind}/${namespace}/${name}` };
}
