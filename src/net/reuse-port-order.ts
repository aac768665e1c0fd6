/**
 * Whose listener has which number in a shared port's list, as the kernel keeps it, for whoever hands the port over from
 * one set of processes to the next. Only the one who sees every listener come and go can know.
 *
 * To hand over without losing a connection:
 *   1. The new ones begin to listen, one after the other, each added here when it does.
 *   2. For each old one, one at a time: steer to `numbersOf` the new ones; the old one retires (waits until nobody waits
 *      for it, then closes); it is removed here. Its number goes to the last in the list, so steer again before the next.
 *      Meanwhile the kernel may turn to an old one for a moment: those that remain still accept.
 *   3. When only new ones are left, reset the steering.
 */
export class ReusePortOrder<Member> {
  readonly #members: Member[];

  constructor() {
    this.#members = [];
  }

  get members(): readonly Member[] {
    return this.#members;
  }

  /** It has begun to listen, after all others that are here. */
  add(member: Member): void {
    this.#members.push(member);
  }

  /** It closed, or its process ended. */
  remove(member: Member): void {
    const at = this.#members.indexOf(member);
    const last = this.#members.pop();
    if (at >= 0 && last !== undefined && at < this.#members.length) this.#members[at] = last;
    else if (at < 0 && last !== undefined) this.#members.push(last);
  }

  /** What `steerReusePort` takes. */
  numbersOf(members: readonly Member[]): number[] {
    return members.map((member) => this.#members.indexOf(member)).filter((number) => number >= 0);
  }
}
