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

type Test = (name: string, body: Body, timeoutMs?: number) => void;

/** `test` where there is no refusal; elsewhere a skip that names all of them. */
export function testUnless(...refusals: readonly (string | undefined)[]): Test {
  const reasons = refusals.filter((refusal) => refusal !== undefined);
  return (name, body, timeoutMs) => {
    if (reasons.length === 0) test(name, body, timeoutMs);
    else test.skip(`${name} [${reasons.join("; ")}]`, body);
  };
}

/** For machines that have all these programs. */
export function testWithPrograms(programs: readonly string[]): Test {
  return testUnless(missingPrograms(programs));
}

/** For machines that allow this isolation. */
export function testWithIsolation(kind: IsolationName): Test {
  const refusal = isolationRefusal(kind);
  return testUnless(refusal === undefined ? undefined : `${kind} is not possible here: ${refusal}`);
}

/** For machines on which a mesh captures what its programs send, whichever kind of isolation does it. */
export function testWithCapture(name: string, body: Body, timeoutMs?: number): void {
  testUnless(captureRefusal())(name, body, timeoutMs);
}

export function captureRefusal(): string | undefined {
  const refusals = [isolationRefusal("netns"), isolationRefusal("userns")];
  return refusals.includes(undefined) ? undefined : `nothing can be captured here: ${refusals.join("; ")}`;
}

export function missingPrograms(programs: readonly string[]): string | undefined {
  const path = `${process.env["PATH"]}:/usr/sbin:/sbin`;
  const missing = programs.filter((program) => Bun.which(program, { PATH: path }) === null);
  return missing.length === 0 ? undefined : `not installed: ${missing.join(", ")}`;
}
