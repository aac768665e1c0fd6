/** What the local mesh asks of its control plane. The client has all of it; tests have a small one of their own. */

export interface MeshControl {
  /** False while it does not answer. Rejects only where waiting is useless. */
  isReady(): Promise<boolean>;
  /** One transaction; the revision that it made, or the newest where it changed nothing. */
  apply(objects: readonly unknown[], message: string): Promise<number>;
  /** For one workload's first certificate. */
  createJoinToken(namespace: string, serviceAccount: string): Promise<string>;
  /** The newest revision and the proxies that are connected, with what each of them runs. */
  status(): Promise<{
    readonly revision: number;
    readonly proxies: readonly {
      readonly id: string;
      readonly connected: boolean;
      readonly revision: number;
    }[];
  }>;
}
