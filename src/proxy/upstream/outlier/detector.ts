/**
 * Takes endpoints of one cluster out that answer worse than they should or worse than the others. Pure: time is an
 * argument, and ejections end by themselves when it has passed.
 *
 *   in --row of failures | interval: low success rate, high latency--> ejected (base x times, at most max) --time--> in
 *
 * Never more than the maximal share is out at once, so that trouble of all of them, or of the callers, ejects few.
 */
import {
  EndpointOutcomes,
  type EjectionReason,
  type OutcomeOwner,
  type OutlierMember,
} from "./endpoint-outcomes.ts";
import { latencyOutliers, successRateOutliers } from "./comparisons.ts";
import type { OutlierSettings } from "./settings.ts";

export interface EjectionListener {
  onEjected(member: OutlierMember, reason: EjectionReason, forUs: number): void;
  /** It would have been, but too many are out already. */
  onEjectionPrevented(member: OutlierMember, reason: EjectionReason): void;
}

export class OutlierDetector implements OutcomeOwner {
  settings: OutlierSettings;
  readonly #listener: EjectionListener;
  #members: readonly OutlierMember[] = [];
  /** Those with a weight. */
  #total = 0;
  #intervalEndUs: number;
  /** As of the last count, which holds until the first of them is back. */
  #ejected = 0;
  #nextReturnUs = 0;

  constructor(settings: OutlierSettings, listener: EjectionListener, nowUs: number) {
    this.settings = settings;
    this.#listener = listener;
    this.#intervalEndUs = nowUs + settings.intervalUs;
  }

  /** The cluster's endpoints from now on; what is known of those that stay is kept. */
  follow(members: readonly OutlierMember[], settings: OutlierSettings): void {
    this.settings = settings;
    this.#members = members;
    this.#total = 0;
    for (const member of members) {
      if (member.weight > 0) this.#total++;
      if (member.outcomes === undefined) member.outcomes = new EndpointOutcomes(this, member);
      else member.outcomes.follow(settings);
    }
    this.#nextReturnUs = 0;
  }

  /** Policy has turned it off: nobody stays out. */
  stop(): void {
    for (const member of this.#members) {
      member.outcomes = undefined;
      member.ejectedUntilUs = 0;
    }
    this.#members = [];
  }

  /** How many are out. */
  ejectedCount(nowUs: number): number {
    if (nowUs < this.#nextReturnUs) return this.#ejected;
    this.#ejected = 0;
    this.#nextReturnUs = Infinity;
    for (const member of this.#members) {
      if (member.ejectedUntilUs <= nowUs) continue;
      this.#ejected++;
      this.#nextReturnUs = Math.min(this.#nextReturnUs, member.ejectedUntilUs);
    }
    return this.#ejected;
  }

  onRowComplete(member: OutlierMember, reason: EjectionReason, nowUs: number): void {
    this.#eject(member, reason, nowUs);
  }

  /** Another process has ejected it. False: here too many are out already. */
  adopt(member: OutlierMember, untilUs: number, nowUs: number): boolean {
    if (member.ejectedUntilUs >= untilUs) return false;
    if (member.ejectedUntilUs <= nowUs && !this.#mayEject(nowUs)) return false;
    if (member.outcomes !== undefined) member.outcomes.ejectedFor = undefined;
    this.#putOut(member, untilUs, nowUs);
    return true;
  }

  /** Once a second or so. */
  tick(nowUs: number): void {
    if (nowUs < this.#intervalEndUs) return;
    this.#intervalEndUs = nowUs + this.settings.intervalUs;
    const { successRate, latencyFactor } = this.settings;
    const present = this.#members.filter((member) => member.ejectedUntilUs <= nowUs);
    if (successRate !== undefined) {
      for (const member of successRateOutliers(present, successRate)) {
        this.#eject(member, "success_rate", nowUs);
      }
    }
    if (latencyFactor !== undefined) {
      for (const member of latencyOutliers(present, latencyFactor)) this.#eject(member, "latency", nowUs);
    }
    for (const member of this.#members) {
      const { outcomes } = member;
      if (outcomes === undefined) continue;
      outcomes.endInterval();
      if (outcomes.timesEjected > 0 && member.ejectedUntilUs <= nowUs) outcomes.timesEjected--;
    }
  }

  #eject(member: OutlierMember, reason: EjectionReason, nowUs: number): void {
    const { outcomes } = member;
    // What was under way when it was ejected ends badly too: that is known.
    if (outcomes === undefined || member.ejectedUntilUs > nowUs) return;
    if (!this.#mayEject(nowUs)) {
      this.#listener.onEjectionPrevented(member, reason);
      return;
    }
    const { baseEjectionUs, maxEjectionUs } = this.settings;
    outcomes.timesEjected++;
    outcomes.ejectedFor = reason;
    const forUs = Math.min(baseEjectionUs * outcomes.timesEjected, Math.max(baseEjectionUs, maxEjectionUs));
    this.#putOut(member, nowUs + forUs, nowUs);
    this.#listener.onEjected(member, reason, forUs);
  }

  #mayEject(nowUs: number): boolean {
    const ejected = this.ejectedCount(nowUs);
    if (ejected === 0) return this.#total > 1;
    return (ejected + 1) * 100 <= this.settings.maxEjectedPercent * this.#total;
  }

  #putOut(member: OutlierMember, untilUs: number, nowUs: number): void {
    const isNew = member.ejectedUntilUs <= nowUs;
    member.ejectedUntilUs = untilUs;
    if (isNew) this.#ejected++;
    this.#nextReturnUs = Math.min(this.#nextReturnUs, untilUs);
  }
}
