/** Tests of which it is known whether they pass, run as one file: those on which `weft test` says otherwise. */
import type { SimulatedMesh } from "../../../src/simulate/index.ts";
import { type ExpectedTest, runTestText, testText } from "./test-file.ts";

/** A test with the field that is wrong in it; undefined: none. */
export interface JudgedTest extends ExpectedTest {
  readonly wrong: string | undefined;
}

export interface Misjudged {
  readonly test: JudgedTest;
  /** Its failures. */
  readonly said: readonly string[];
}

/** Those that passed and should not, failed and should not, or failed elsewhere than at the wrong field. */
export function misjudged(mesh: SimulatedMesh, tests: readonly JudgedTest[]): Misjudged[] {
  const file = testText(tests);
  const results = runTestText(file, mesh);
  return tests.flatMap((test, index) => {
    const { failures = [] } = results[index] ?? {};
    const lines = test.wrong === undefined ? [] : [file.lineOf(index, test.wrong)];
    const isAsForetold =
      results.length === tests.length &&
      Bun.deepEquals(
        failures.map(({ line }) => line),
        lines,
      );
    return isAsForetold ? [] : [{ test, said: failures.map(({ message }) => message) }];
  });
}
