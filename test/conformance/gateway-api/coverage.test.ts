/** Every feature that the profiles name has a scenario, and every scenario names features that there are. */
import { expect, test } from "bun:test";
import { supportedFeatures } from "../../../src/compile/supported-features.ts";
import { gatewayApiFeatures, ownFeatures } from "./features.ts";
import { readScenarios } from "./scenario.ts";

const named = new Set(readScenarios().flatMap(({ features }) => features));

test("every feature has a scenario", () => {
  expect([...gatewayApiFeatures, ...ownFeatures].filter((feature) => !named.has(feature))).toEqual([]);
});

test("every scenario's features are known", () => {
  const known = new Set([...gatewayApiFeatures, ...ownFeatures]);
  expect([...named].filter((feature) => !known.has(feature))).toEqual([]);
});

test("a GatewayClass claims those that have scenarios and no others", () => {
  expect([...supportedFeatures].toSorted()).toEqual([...gatewayApiFeatures].toSorted());
});
