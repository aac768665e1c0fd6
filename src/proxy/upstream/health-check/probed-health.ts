/**
 * One endpoint's health as its checks tell it: it counts as healthy until checks have failed in a row, and as unhealthy
 * until they have succeeded in a row. An endpoint that has not been checked yet is used: holding a whole new cluster back
 * for its first checks would cost more requests than a bad endpoint does.
 */
export interface HealthThresholds {
  readonly healthy: number;
  readonly unhealthy: number;
}

export class ProbedHealth {
  isHealthy = true;
  #row = 0;

  /** Whether it changed. */
  observe(isPassed: boolean, thresholds: HealthThresholds): boolean {
    if (isPassed === this.isHealthy) {
      this.#row = 0;
      return false;
    }
    this.#row++;
    if (this.#row < (this.isHealthy ? thresholds.unhealthy : thresholds.healthy)) return false;
    this.isHealthy = isPassed;
    this.#row = 0;
    return true;
  }
}
