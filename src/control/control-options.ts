/** What a control plane is started with, and what there is of it while it runs. */
import type { ApiTls, OidcSettings } from "../apiserver/index.ts";
import type { PluggedFiles } from "../identity/index.ts";
import type { KeySetSettings } from "../jwks/index.ts";
import type { Clock, Log } from "../kernel/index.ts";
import type { ProcessAttestationSettings } from "./attestation/process-attestation.ts";
import type { SharedStoreSettings } from "./replicas/sharing.ts";

export interface ControlOptions {
  readonly dataDir: string;
  readonly api: { readonly address: string; readonly port: number } | { readonly unixPath: string };
  /** For the API on an address; without it only loopback addresses are possible. */
  readonly apiTls?: ApiTls;
  /** A Unix socket for the API, beside `api`. */
  readonly apiSocket?: string;
  /** Who else may come in, besides the holder of the instance's own token. */
  readonly apiTokenFile?: string;
  readonly oidc?: OidcSettings;
  readonly ads: { readonly address: string; readonly port: number };
  /** Names besides the loopback ones by which clients reach the API. */
  readonly hostNames?: readonly string[];
  /** For a new data directory; made at random where absent. */
  readonly trustDomain?: string;
  /** Where gateways are served that name no address of their own, for the status of Gateways. */
  readonly gatewayAddress?: string;
  /** How key sets of issuers of tokens are fetched. */
  readonly keySets?: KeySetSettings;
  readonly version?: string;
  /** Of a Prometheus server that views of golden signals are read from; the mesh's settings where absent. */
  readonly prometheusUrl?: string | undefined;
  /** Finds the built files of the dashboard; absent: none is served. */
  readonly dashboard?: () => Promise<string>;
  /** Opens the CA's keys, and encrypts those that are not. */
  readonly passphraseFile?: string;
  /** Somebody else's CA signs in the place of the control plane's own. */
  readonly plugged?: PluggedFiles;
  /** Service-account tokens of this issuer are taken as proofs of identity. */
  readonly serviceAccountTokens?: { readonly issuer: string; readonly jwks: string };
  /** Processes of this machine are known by what the kernel says of them. */
  readonly processAttestation?: ProcessAttestationSettings;
  /** Several control planes share an etcd; absent: this is the only one, and everything is in its data directory. */
  readonly sharedStore?: SharedStoreSettings;
  readonly log: Log;
  readonly clock?: Clock;
}

export interface RunningControl {
  /** `http://127.0.0.1:15080`, or the path of the Unix socket. */
  readonly apiUrl: string;
  readonly apiPort: number | undefined;
  readonly ads: { readonly address: string; readonly port: number };
  readonly trustDomain: string;
  /** PEM of the roots that proxies and programs trust. */
  readonly trustRootsPem: string;
  readonly tokenFile: string;
  /** Stops taking new work, lets what is in flight end, closes. Idempotent. */
  drain(): Promise<void>;
  /** Gives up waiting in a drain that is under way. */
  force(): void;
}
