/** Every verb: one line for the overview, and the file that holds it, loaded only when it is called. */
import type { Command } from "commander";
import type { Cli } from "./cli.ts";

export interface Verb {
  readonly summary: string;
  /** Not in the overview: called by weft itself. */
  readonly hidden?: boolean;
  readonly load: () => Promise<{ readonly command: (cli: Cli) => Command }>;
}

export const verbs: Readonly<Record<string, Verb>> = {
  up: {
    summary: "run a whole mesh on this machine, with the programs that files describe",
    load: () => import("./up.ts"),
  },
  run: {
    summary: "run one unmodified program as a workload of a running mesh",
    load: () => import("./run.ts"),
  },
  serve: {
    summary: "run a gateway that files configure, compiler and gateway in one process",
    load: () => import("./serve.ts"),
  },
  control: { summary: "run the control plane", load: () => import("./control.ts") },
  proxy: { summary: "run the data plane for one workload or gateway", load: () => import("./proxy.ts") },
  apply: {
    summary: "create or change the resources of files, as one transaction",
    load: () => import("./apply.ts"),
  },
  plan: {
    summary: "show what a change would do: proxies, requests, warnings",
    load: () => import("./plan.ts"),
  },
  test: { summary: "check files by what becomes of requests", load: () => import("./test.ts") },
  replay: { summary: "ask what recorded traffic would meet", load: () => import("./replay.ts") },
  rollout: {
    summary: "show, promote or abort a configuration that is tried out on some proxies",
    load: () => import("./rollout.ts"),
  },
  get: { summary: "list resources", load: () => import("./get.ts") },
  describe: { summary: "show one resource with its conditions", load: () => import("./describe.ts") },
  delete: { summary: "delete resources, as one transaction", load: () => import("./delete.ts") },
  status: {
    summary: "show the control plane, its proxies and the revisions they run",
    load: () => import("./status.ts"),
  },
  cert: {
    summary: "list, show and revoke certificates, and change the mesh's root",
    load: () => import("./cert.ts"),
  },
  top: { summary: "show live golden signals", load: () => import("./top.ts") },
  tap: { summary: "show requests as they happen", load: () => import("./tap.ts") },
  logs: { summary: "show access logs", load: () => import("./logs.ts") },
  graph: { summary: "show who calls whom", load: () => import("./graph.ts") },
  explain: {
    summary: "show what becomes of a request, and why",
    load: () => import("./explain.ts"),
  },
  "explain-kind": {
    summary: "show the fields of a kind of resource",
    load: () => import("./explain-kind.ts"),
  },
  history: { summary: "list the revisions, or show one whole", load: () => import("./history.ts") },
  diff: { summary: "show what differs between two revisions", load: () => import("./diff.ts") },
  rollback: {
    summary: "make resources what they were at a revision, as one new commit",
    load: () => import("./rollback.ts"),
  },
  check: {
    summary: "find out whether all is well, or with --pre whether this machine will do",
    load: () => import("./check.ts"),
  },
  auth: {
    summary: "ask who one is and what one may, and make a kubeconfig",
    load: () => import("./auth.ts"),
  },
  audit: { summary: "show and check the log of what was written", load: () => import("./audit.ts") },
  snapshot: {
    summary: "save all resources in a file, and fill a mesh from one",
    load: () => import("./snapshot.ts"),
  },
  support: {
    summary: "write a bundle for a report of a bug, without secrets",
    load: () => import("./support.ts"),
  },
  completion: {
    summary: "print a shell's script that completes verbs, kinds and names",
    load: () => import("./completion.ts"),
  },
  complete: { summary: "", hidden: true, load: () => import("./complete.ts") },
  version: { summary: "print the version", load: () => import("./version.ts") },
  worker: { summary: "", hidden: true, load: () => import("./worker.ts") },
  compiler: { summary: "", hidden: true, load: () => import("./compiler.ts") },
  fabric: { summary: "", hidden: true, load: () => import("./fabric.ts") },
};
