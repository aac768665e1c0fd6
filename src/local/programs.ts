/** Turns the documents of a folder into the programs to run and the objects to apply; every problem is reported with its place. */
import { dirname, resolve } from "node:path";
import { metricsAnnotations, type SourceDocument } from "../api/index.ts";
import type { Issue } from "../kernel/index.ts";
import type { WorkloadPort } from "./fabric.ts";
import { localApiVersion, type ProgramObject, programKind } from "./program-kind.ts";

interface ProgramUpstream {
  readonly namespace: string;
  readonly service: string;
  readonly port: number;
}

/** One instance to run. */
export interface Program {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Where it offers metrics of its own. */
  readonly annotations: Readonly<Record<string, string>>;
  readonly service: string;
  readonly serviceAccount: string;
  readonly command: readonly string[];
  /** Absolute. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly ports: readonly WorkloadPort[];
  readonly upstreams: readonly ProgramUpstream[];
  /** Absent: nowhere. */
  readonly locality?: { readonly region?: string; readonly zone?: string };
}

export interface MeshFiles {
  readonly programs: readonly Program[];
  /** All other documents, for one transaction. */
  readonly others: readonly SourceDocument[];
  readonly issues: readonly Issue[];
}

export function readMeshFiles(documents: readonly SourceDocument[]): MeshFiles {
  const programs: Program[] = [];
  const others: SourceDocument[] = [];
  const issues: Issue[] = [];
  const places = new Map<string, string>();
  for (const document of documents) {
    if (!isLocal(document.value)) {
      others.push(document);
      continue;
    }
    const result = programKind.validate(document.value, "write");
    if ("issues" in result) {
      issues.push(...result.issues.map((issue) => placed(issue, document)));
      continue;
    }
    for (const program of expand(result.object, document.file)) {
      const key = `${program.namespace}/${program.name}`;
      const before = places.get(key);
      if (before !== undefined) {
        const message = `a program ${key} is already described in ${before}`;
        issues.push(placed({ path: "metadata.name", message }, document));
      }
      places.set(key, `${document.file}:${document.line}`);
      programs.push(program);
    }
  }
  return { programs, others, issues };
}

function isLocal(value: unknown): boolean {
  return typeof value === "object" && value !== null && Reflect.get(value, "apiVersion") === localApiVersion;
}

function placed(issue: Issue, document: SourceDocument): Issue {
  return { ...issue, file: document.file, line: document.lineOf(issue.path) };
}

function expand({ metadata, spec }: ProgramObject, file: string): Program[] {
  const program: Program = {
    namespace: metadata.namespace,
    name: metadata.name,
    labels: { app: spec.service, ...metadata.labels },
    annotations: metricsAnnotations(metadata.annotations),
    service: spec.service,
    serviceAccount: spec.serviceAccount ?? spec.service,
    command: spec.command,
    cwd: resolve(dirname(file), spec.cwd ?? "."),
    env: spec.env ?? {},
    ports: spec.ports.map((port) => ({ ...port, name: port.name ?? defaultPortName(port) })),
    upstreams: spec.upstreams.map((upstream) => ({
      ...upstream,
      namespace: upstream.namespace ?? metadata.namespace,
    })),
    ...(spec.locality && { locality: spec.locality }),
  };
  if (spec.replicas === 1) return [program];
  return Array.from({ length: spec.replicas }, (_, i) => ({ ...program, name: `${metadata.name}-${i + 1}` }));
}

/** Kubernetes' convention: the name begins with the protocol. */
export function defaultPortName(port: { readonly port: number; readonly protocol: string }): string {
  return `${port.protocol === "" ? "port" : port.protocol}-${port.port}`;
}
