/**
 * When a process lets go of its code. What it has in use is mapped again page by page, some two thousand faults of half a microsecond
 * each for a proxy that is told of a change now and then, and whatever comes next waits for them: so only where that much else
 * has come, or none was let go for long.
 */

/** What compilers bring for a moment is several times this. */
const slackBytes = 2 * 2 ** 20;
/** At least every so many looks: what was in use once may be so no longer. */
const maxLooks = 20;

export class ShedChoice {
  /** What one stretch between two looks has needed, right after all was let go; undefined: not known yet. */
  #neededBytes: number | undefined;
  #looks = maxLooks;

  /** Asked at regular times; where the answer is yes all of it is let go. The first is yes. */
  isDue(residentBytes: number): boolean {
    this.#looks++;
    this.#neededBytes ??= residentBytes;
    if (this.#looks <= maxLooks && residentBytes <= this.#neededBytes + slackBytes) return false;
    this.#looks = 0;
    this.#neededBytes = undefined;
    return true;
  }
}
