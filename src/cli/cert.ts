/** `weft cert`: the mesh's certificates, and the orders about them. Changing the root has a file of its own. */
import { Argument, Command, Option } from "commander";
import type { CertificatesStatus, CertificateStatus } from "../api/index.ts";
import type { ApiClient } from "../client/index.ts";
import { formatAge, secondsText, WeftError } from "../kernel/index.ts";
import type { Cli } from "./cli.ts";
import { structured } from "./render.ts";
import { rotateRoot, type RotateOptions, rotationPhases } from "./rotate-root.ts";
import { connectServer } from "./server.ts";
import { parseDuration, type SharedOptions } from "./shared-options.ts";
import { formatTable } from "./table.ts";

interface Options extends SharedOptions, RotateOptions {
  readonly reason?: string;
  readonly all?: boolean;
}

const actions = ["list", "show", "revoke", "unrevoke", "rotate-root"] as const;
/** Enough to tell roots apart. */
const shownDigits = 16;

export function command(cli: Cli): Command {
  return new Command("cert")
    .addArgument(new Argument("<action>", "what to do").choices([...actions]))
    .argument("[name]", "namespace/name of a workload, or a serial number: for show, revoke and unrevoke")
    .option("--all", "list: older certificates of each workload too")
    .option("--reason <text>", "revoke: why, for those who ask later")
    .addOption(
      new Option("--pause-after <phase>", "rotate-root: wait for --continue after this phase").choices(
        rotationPhases,
      ),
    )
    .option(
      "--force-after <duration>",
      "rotate-root: so long after a phase began, do not wait for proxies that are away",
      parseDuration,
    )
    .option("--continue", "rotate-root: go on after a pause")
    .option("--abort", "rotate-root: back to the old root, from any phase")
    .option("--status", "rotate-root: say how far it is, and end")
    .action(async (action: (typeof actions)[number], name: string | undefined, options: Options) => {
      const client = await connectServer(cli, options);
      switch (action) {
        case "rotate-root":
          return rotateRoot(cli, client, options);
        case "list":
          return list(cli, await client.certificates(), options);
        case "show":
          return show(cli, await client.certificates(), requireName(name), options);
        case "revoke":
        case "unrevoke":
          return revoke(cli, client, { ...options, action, name: requireName(name) });
      }
    });
}

function requireName(name: string | undefined): string {
  if (name !== undefined) return name;
  throw new WeftError("usage", "say which: namespace/name of a workload, or a serial number", {
    hint: "see weft cert list",
  });
}

function list(cli: Cli, status: CertificatesStatus, options: Options): void {
  const shown = options.all === true ? status.certificates : newestOfEach(status.certificates);
  const text = structured({ ...status, certificates: shown }, options.output);
  if (text !== undefined) {
    cli.output.write(text);
    return;
  }
  if (options.output === "name") {
    cli.output.write(shown.map(({ workload }) => `${workload}\n`).join(""));
    return;
  }
  const { width } = cli.output;
  const nowMs = Date.now();
  const authorities = status.authorities.map((each) => [
    ...[each.kind, each.subject, each.fingerprint.slice(0, shownDigits), secondsText(each.notAfterMs)],
    [each.trusted ? "trusted" : "", each.issuing ? "issuing" : ""].filter((word) => word !== "").join(", "),
  ]);
  cli.output.write(formatTable(["CA", "NAME", "SHA-256", "NOT AFTER", "USE"], authorities, { width }));
  cli.output.line("");
  const rows = shown.map((each) => [
    ...[each.workload, each.identity, each.root.slice(0, shownDigits), secondsText(each.notAfterMs)],
    ...[
      formatAge(each.notBeforeMs, nowMs),
      stateOf(each),
      ...(options.output === "wide" ? [each.serial] : []),
    ],
  ]);
  const header = ["WORKLOAD", "IDENTITY", "ROOT", "NOT AFTER", "AGE", "STATE"];
  cli.output.write(formatTable(options.output === "wide" ? [...header, "SERIAL"] : header, rows, { width }));
  if (status.revoked.length > 0) cli.output.line(`\n${status.revoked.length} certificates are revoked`);
}

function show(cli: Cli, status: CertificatesStatus, name: string, options: Options): void {
  const found = status.certificates.filter(
    ({ workload, serial }) => workload === name || serial === name.toLowerCase(),
  );
  const text = structured(found, options.output);
  if (found.length === 0) {
    throw new WeftError("not_found", `no certificate of ${name} is valid now`, {
      hint: "see weft cert list",
    });
  }
  if (text !== undefined) {
    cli.output.write(text);
    return;
  }
  const blocks = found.map((each) =>
    [
      `workload    ${each.workload}`,
      `identity    ${each.identity}`,
      `serial      ${each.serial}`,
      `root        ${each.root === "" ? "not known" : each.root}`,
      `not before  ${secondsText(each.notBeforeMs)}`,
      `not after   ${secondsText(each.notAfterMs)}`,
      `state       ${stateOf(each)}`,
    ].join("\n"),
  );
  cli.output.line(blocks.join("\n\n"));
}

interface RevokeOptions extends Options {
  readonly action: "revoke" | "unrevoke";
  readonly name: string;
}

async function revoke(cli: Cli, client: ApiClient, options: RevokeOptions): Promise<void> {
  const { action, name, reason = "" } = options;
  const status = await client.changeRevocation({ action, name, reason });
  const text = structured(status.revoked, options.output);
  if (text !== undefined) cli.output.write(text);
  else if (action === "unrevoke") cli.output.line(`${name} is not revoked any more`);
  else {
    cli.output.line(`${name} is revoked: its peers end its connections within a second`);
    cli.output.note(
      "weft: it can come back with a new join token; delete its service account to keep it out",
    );
  }
}

/** They come by workload, the newest first. */
function newestOfEach(certificates: readonly CertificateStatus[]): CertificateStatus[] {
  return certificates.filter(({ workload }, index) => certificates[index - 1]?.workload !== workload);
}

function stateOf({ revoked, inUse }: CertificateStatus): string {
  if (revoked !== undefined) return revoked === "" ? "revoked" : `revoked: ${revoked}`;
  return inUse ? "in use" : "";
}
