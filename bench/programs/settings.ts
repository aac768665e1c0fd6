/** The settings that `startProgram` gave to this process. */
export function settings(): (name: string) => number {
  const given = new Map(Object.entries(Object(JSON.parse(Bun.argv[2] ?? "{}"))));
  return (name) => {
    const value = given.get(name);
    if (typeof value !== "number") throw new Error(`the setting ${name} is missing`);
    return value;
  };
}
