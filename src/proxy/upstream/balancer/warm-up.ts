/**
 * Slow start: a member that is new to this proxy, or fit again after it was not, gets a share that grows from `min_percent`
 * to the whole over the window: `max(min, (age / window) ^ aggression)`. Its share is what chance lets through of its
 * turns, so it costs nothing while nobody is warming up. Hash tables take no part: a key that moves back and forth is worse
 * than a cold start.
 */
import type { SlowStart } from "../../../model/index.ts";
import type { BalancerMember } from "./member.ts";

const defaultMinShare = 0.1;

export class WarmUp {
  readonly windowUs: number;
  readonly #minShare: number;
  readonly #aggression: number;
  /** When the last that is warming up will be warm. */
  #untilUs = 0;

  private constructor(slowStart: SlowStart) {
    this.windowUs = slowStart.windowMs * 1_000;
    this.#minShare = slowStart.minPercent === 0 ? defaultMinShare : Math.min(1, slowStart.minPercent / 100);
    this.#aggression = slowStart.aggressionHundredths === 0 ? 1 : slowStart.aggressionHundredths / 100;
  }

  /** Undefined: the cluster has no slow start. */
  static of(slowStart: SlowStart | undefined): WarmUp | undefined {
    return slowStart === undefined || slowStart.windowMs === 0 ? undefined : new WarmUp(slowStart);
  }

  isActive(nowUs: number): boolean {
    return nowUs < this.#untilUs;
  }

  /** Once for each set of members. Where all are new the proxy is, and nobody is warmer than another. */
  welcome(members: readonly BalancerMember[], nowUs: number): void {
    const isStart = members.every(({ warmth }) => warmth.isNew);
    for (const { warmth } of members) {
      if (warmth.isNew && !isStart) warmth.sinceUs = nowUs;
      warmth.isNew = false;
      this.#follow(warmth.sinceUs, nowUs);
    }
  }

  /** Called now and then with what the member is at the moment. */
  observe({ warmth }: BalancerMember, isFit: boolean, nowUs: number): void {
    if (!isFit) {
      warmth.wasUnfit = true;
    } else if (warmth.wasUnfit) {
      warmth.wasUnfit = false;
      warmth.sinceUs = nowUs;
      this.#follow(nowUs, nowUs);
    }
  }

  /** In (0, 1]. */
  share({ warmth }: BalancerMember, nowUs: number): number {
    const { sinceUs } = warmth;
    if (sinceUs === 0) return 1;
    const age = (nowUs - sinceUs) / this.windowUs;
    if (age >= 1) {
      warmth.sinceUs = 0;
      return 1;
    }
    return Math.max(this.#minShare, Math.max(0, age) ** this.#aggression);
  }

  /** Whether the member takes this turn of its. */
  admits(member: BalancerMember, nowUs: number, random: () => number): boolean {
    const share = this.share(member, nowUs);
    return share === 1 || random() < share;
  }

  #follow(sinceUs: number, nowUs: number): void {
    if (sinceUs > 0 && sinceUs + this.windowUs > nowUs) {
      this.#untilUs = Math.max(this.#untilUs, sinceUs + this.windowUs);
    }
  }
}
