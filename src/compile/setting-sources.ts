/** Who said how requests to a cluster, or of a rule, are carried: for whoever asks why, from what is compiled. */
import { ClusterSchema, type Source } from "../model/index.ts";
import { fromBinary } from "@bufbuild/protobuf";
import type { InputReader } from "./inputs.ts";
import {
  clusterSettingSources,
  type RuleOwner,
  ruleSettingSources,
  type SettingSource,
} from "./policy/effective-policy.ts";
import { routeSettings } from "./policy/route-settings.ts";
import { compileCluster } from "./service-resources.ts";

/** The nearest first. */
export function settingSourcesOf(
  inputs: InputReader,
  of:
    | { readonly cluster: string }
    | { readonly rule: Pick<Source, "kind" | "namespace" | "name" | "section"> },
): readonly SettingSource[] {
  return "cluster" in of ? ofCluster(inputs, of.cluster) : ofRule(inputs, of.rule);
}

function ofCluster(inputs: InputReader, key: string): readonly SettingSource[] {
  const resource = compileCluster(inputs, key);
  const source = resource && fromBinary(ClusterSchema, resource.bytes).source;
  if (source === undefined) return [];
  const { kind, namespace, name, section } = source;
  if (kind !== "Service" && kind !== "ExternalService") return [];
  return clusterSettingSources(inputs, { kind, namespace, name }, section);
}

function ofRule(
  inputs: InputReader,
  { kind, namespace, name, section }: Pick<Source, "kind" | "namespace" | "name" | "section">,
): readonly SettingSource[] {
  if (kind !== "HTTPRoute" && kind !== "GRPCRoute") return [];
  const route = inputs.route(kind, `${namespace}/${name}`);
  if (route?.kind === "HTTPRoute") {
    const rule = route.spec.rules.find((each, index) => (each.name ?? `rules[${index}]`) === section);
    const owner: RuleOwner = { kind, namespace, name, ruleName: rule?.name };
    return rule === undefined ? [] : ruleSettingSources(inputs, owner, routeSettings(rule), section);
  }
  const isNamed = !section.startsWith("rules[");
  const owner: RuleOwner = { kind, namespace, name, ruleName: isNamed ? section : undefined };
  return ruleSettingSources(inputs, owner, { own: {}, implied: {} }, section);
}
