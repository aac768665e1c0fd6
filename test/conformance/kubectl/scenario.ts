/** What a scenario is: calls of kubectl one after another in a namespace of its own, each with what it must print. */

type Expected = string | RegExp | readonly (string | RegExp)[];

export interface Call {
  readonly args: readonly string[];
  readonly stdin?: string;
  readonly code: number;
  /** Each must be in the output. */
  readonly out: readonly (string | RegExp)[];
  readonly err: readonly (string | RegExp)[];
  readonly env?: Readonly<Record<string, string>>;
  /** Meanwhile: the next call starts at once, and this one's end is waited for at the end of the scenario. */
  readonly isBackground?: boolean;
}

export interface Scenario {
  readonly name: string;
  readonly calls: readonly Call[];
}

/** Words are split at spaces; what holds spaces itself is given as a list. */
export function ok(args: string | readonly string[], out: Expected = [], more: Partial<Call> = {}): Call {
  return { args: words(args), code: 0, out: list(out), err: [], ...more };
}

/** Ends with this code (1 where none is given) and says so. */
export function fails(args: string | readonly string[], err: Expected, more: Partial<Call> = {}): Call {
  return { args: words(args), code: 1, out: [], err: list(err), ...more };
}

/** With a file on stdin: the arguments go on with `-f -`. */
export function given(args: string, stdin: string, out: Expected = []): Call {
  return ok(`${args} -f -`, out, { stdin });
}

export function refused(args: string, stdin: string, err: Expected): Call {
  return fails(`${args} -f -`, err, { stdin });
}

function words(args: string | readonly string[]): readonly string[] {
  return typeof args === "string" ? args.split(" ") : args;
}

function list(expected: Expected): readonly (string | RegExp)[] {
  return Array.isArray(expected) ? expected : [expected].flat();
}
