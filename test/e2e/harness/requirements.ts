/** Tests that need something that not every machine has: they say what it is in their name when they skip. */
import { test } from "bun:test";
import { probeNetNamespace, probeUserNamespace } from "../../../src/intercept/index.ts";

type Body = () => Promise<void>;

export type IsolationName = "netns" | "userns" | "loopback";

/** Why a kind of isolation cannot be had here; undefined where it can. */
export function isolationRefusal(kind: IsolationName): string | undefined {
  switch (kind) {
    case "netns":
      return probeNetNamespace();
    case "userns":
      return probeUserNamespace();
    case "loopback":
      return undefined;
  }
}

/** `test` for machines that have all these programs; elsewhere a skip that names what is missing. */
export function testWithPrograms(
  programs: readonly string[],
): (name: string, body: Body, timeoutMs?: number) => void {
  const missing = programs.filter(
    (program) => Bun.which(program, { PATH: `${process.env["PATH"]}:/usr/sbin:/sbin` }) === null,
  );
  return (name, body, timeoutMs) => {
    if (missing.length === 0) test(name, body, timeoutMs);
    else test.skip(`${name} [not installed: ${missing.join(", ")}]`, body);
  };
}

/** `test` for machines that allow this isolation. */
export function testWithIsolation(
  kind: IsolationName,
): (name: string, body: Body, timeoutMs?: number) => void {
  const refusal = isolationRefusal(kind);
  return (name, body, timeoutMs) => {
    if (refusal === undefined) test(name, body, timeoutMs);
    else test.skip(`${name} [${kind} is not possible here: ${refusal}]`, body);
  };
}

/** `test` for machines on which a mesh captures what its programs send, whichever kind of isolation does it. */
export function testWithCapture(name: string, body: Body, timeoutMs?: number): void {
  const refusals = [isolationRefusal("netns"), isolationRefusal("userns")];
  if (refusals.includes(undefined)) test(name, body, timeoutMs);
  else test.skip(`${name} [nothing can be captured here: ${refusals.join("; ")}]`, body);
}
