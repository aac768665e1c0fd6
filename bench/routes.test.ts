import { expect, test } from "bun:test";
import { benchRoutes, envoyRoutes, haproxyMap, nginxServers, weftRoutes } from "./routes.ts";

test("no two routes are the same", () => {
  const routes = benchRoutes(5000);
  expect(new Set(routes.map(({ host, path }) => host + path)).size).toBe(5000);
  expect(new Set(routes.map(({ host }) => host)).size).toBe(500);
});

test("every peer's form has all of them", () => {
  const routes = benchRoutes(25);
  expect(nginxServers(routes, 80).match(/location /g)).toHaveLength(25);
  expect(nginxServers(routes, 80).match(/server_name /g)).toHaveLength(3);
  expect(haproxyMap(routes).trimEnd().split("\n")).toHaveLength(25);
  expect(JSON.stringify(envoyRoutes(routes)).match(/"prefix"/g)).toHaveLength(25);
  expect(weftRoutes(routes)).toHaveLength(25);
});
