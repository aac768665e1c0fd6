/**
 * The fields of one header block, in order: names in lower case, values one character for each byte (latin1).
 * A field that the sender marked as never to be indexed keeps that mark when it is passed on.
 */

/** What one field costs beyond its bytes, in tables and in SETTINGS_MAX_HEADER_LIST_SIZE (RFC 7541, section 4.1). */
export const fieldOverheadBytes = 32;

export class HeaderFields {
  readonly names: string[] = [];
  readonly values: string[] = [];
  #sensitive: Set<number> | undefined = undefined;

  static of(entries: readonly (readonly [name: string, value: string])[]): HeaderFields {
    const fields = new HeaderFields();
    for (const [name, value] of entries) fields.add(name, value);
    return fields;
  }

  get count(): number {
    return this.names.length;
  }

  add(name: string, value: string): this {
    this.names.push(name);
    this.values.push(value);
    return this;
  }

  addSensitive(name: string, value: string): this {
    this.#sensitive ??= new Set();
    this.#sensitive.add(this.names.length);
    return this.add(name, value);
  }

  isSensitive(index: number): boolean {
    return this.#sensitive !== undefined && this.#sensitive.has(index);
  }

  nameAt(index: number): string {
    return this.names[index] ?? "";
  }

  valueAt(index: number): string {
    return this.values[index] ?? "";
  }

  /** The first value under the name. */
  get(name: string): string | undefined {
    const index = this.names.indexOf(name);
    return index < 0 ? undefined : this.values[index];
  }

  entries(): [name: string, value: string][] {
    return this.names.map((name, index) => [name, this.valueAt(index)]);
  }
}
