/** One text for all that are alike: label sets of thousands of proxies are made of the same few names. */
import type { Series } from "./series.ts";

/** Names of a mesh ten times as large as the largest that was tried. */
const maxTexts = 100_000;

export class TextPool {
  readonly #texts = new Map<string, string>();

  /** The same labels, of texts that are shared. */
  series(series: Series): Series {
    if (this.#texts.size > maxTexts) this.#texts.clear();
    return {
      ...series,
      sourceWorkload: this.#shared(series.sourceWorkload),
      sourceIdentity: this.#shared(series.sourceIdentity),
      sourceVersion: this.#shared(series.sourceVersion),
      destinationWorkload: this.#shared(series.destinationWorkload),
      destinationIdentity: this.#shared(series.destinationIdentity),
      destinationService: this.#shared(series.destinationService),
      destinationVersion: this.#shared(series.destinationVersion),
      route: this.#shared(series.route),
      responseClass: this.#shared(series.responseClass),
      reason: this.#shared(series.reason),
    };
  }

  #shared(text: string): string {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    this.#texts.set(text, text);
    return text;
  }
}
