/** What every codec's run is told. */
export interface FuzzOptions {
  readonly inputs: number;
  readonly seed: number;
}
