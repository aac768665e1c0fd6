/** The least list with which something still goes wrong: members are left out one after another as long as it does. */
export function least<T>(all: readonly T[], isWrong: (some: readonly T[]) => boolean): readonly T[] {
  let rest = all;
  for (const each of all) {
    const fewer = rest.filter((other) => other !== each);
    if (isWrong(fewer)) rest = fewer;
  }
  return rest;
}
