/**
 * The environment of the process inside the namespaces. Bun's C compiler, which that process uses once, keeps files in a temporary
 * folder by user number; inside a user namespace everybody is number 0, so it is given the instance's own folder.
 */

const temporaryVariable = "BUN_TMPDIR";
type Environment = Readonly<Record<string, string>>;

export function innerEnvironment(env: Environment, instanceDirectory: string): Environment {
  return { ...env, [temporaryVariable]: instanceDirectory };
}

/** What the inner process hands on to programs and proxies. */
export function withoutInnerParts(env: Environment): Environment {
  return Object.fromEntries(Object.entries(env).filter(([name]) => name !== temporaryVariable));
}
