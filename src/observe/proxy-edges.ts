/** Label sets that each proxy was seen to report, by their hash: what makes the second report cheap. Only a cache: it may forget at any time. */

/** Proxies that were heard of last; each costs what its label sets do. */
const maxProxies = 20_000;
/** A proxy of ours has at most 2,000; another one must not make this grow. */
const maxPerProxy = 4_000;
/** Of all proxies, some 200 bytes each. Beyond, everything is looked up anew. */
const maxEdges = 300_000;

export class ProxyEdges<E> {
  readonly #proxies = new Map<string, Map<number, E>>();
  #count = 0;

  of(proxy: string): Map<number, E> {
    const known = this.#proxies.get(proxy);
    if (known !== undefined) return known;
    if (this.#proxies.size >= maxProxies) this.#clear();
    const edges = new Map<number, E>();
    this.#proxies.set(proxy, edges);
    return edges;
  }

  put(edges: Map<number, E>, hash: number, edge: E): void {
    if (edges.size >= maxPerProxy) {
      this.#count -= edges.size;
      edges.clear();
    }
    if (this.#count >= maxEdges) this.#clear();
    edges.set(hash, edge);
    this.#count++;
  }

  #clear(): void {
    for (const edges of this.#proxies.values()) edges.clear();
    this.#proxies.clear();
    this.#count = 0;
  }
}
