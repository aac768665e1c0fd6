/** `weft auth kubeconfig`: what kubectl needs to speak with the control plane, as a file on stdout. */
import { stringify } from "yaml";
import { WeftError } from "../kernel/index.ts";
import type { Cli } from "./cli.ts";
import { serverAccess } from "./server.ts";
import type { SharedOptions } from "./shared-options.ts";

/** Asks nobody: the server need not run. It holds the caller's token, so it is to be kept as that is. */
export function kubeconfig(cli: Cli, options: SharedOptions): void {
  const { server, unixPath, token, tls } = serverAccess(cli.env, options);
  if (unixPath !== undefined || !server.startsWith("https:")) {
    throw new WeftError(
      "usage",
      `kubectl shows who it is over TLS alone, and ${unixPath ?? server} has none`,
      {
        hint: "start weft control with --api-cert and --api-key and give --server https://…, see docs/reference/kubectl.md",
      },
    );
  }
  const encoded = (name: string, pem: string | undefined): object =>
    pem === undefined ? {} : { [name]: Buffer.from(pem).toString("base64") };
  const user = {
    ...(token === undefined ? {} : { token }),
    ...encoded("client-certificate-data", tls?.cert),
    ...encoded("client-key-data", tls?.key),
  };
  const name = "weft";
  const document = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name, cluster: { server, ...encoded("certificate-authority-data", tls?.ca) } }],
    users: [{ name, user }],
    contexts: [{ name, context: { cluster: name, user: name, namespace: options.namespace } }],
    "current-context": name,
  };
  cli.output.write(
    options.output === "json" ? `${JSON.stringify(document, null, 2)}\n` : stringify(document),
  );
}
