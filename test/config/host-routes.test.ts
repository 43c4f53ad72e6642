/** `host-routes` of a domain and the `injection` block: what they compile to, and what is refused. */
import { expect, test } from "vitest";
import { formatIssue } from "../../src/config/index.js";
import { INJECTION_DEFAULTS } from "../../src/inject/index.js";
import { check, settingsOf } from "./lib/check.js";

const HEAD = "as: 65000\nrouter-id: 10.0.0.254\npeers: [{address: 10.0.0.1}]\n";

function fib(domain: string): string {
  return `${HEAD}fib:\n  enabled: true\n  domains: [{name: red, route-targets: ["65000:100"], ${domain}}]\n`;
}

test("host-routes, the short form and the long one", () => {
  expect(settingsOf(fib("host-routes: unicast")).fib?.domains[0]?.hostRoutes).toEqual({
    announce: "unicast",
    nextHop: undefined,
    rd: "",
    routeTargets: [],
    l3Vni: 0,
    routerMac: undefined,
  });
  const long = `host-routes: {announce: type-5, rd: "65000:5000", route-targets: ["65000:5000"],
    l3-vni: 5000, next-hop: 10.0.0.9, router-mac: "02:00:00:00:00:01"}`;
  expect(settingsOf(fib(long)).fib?.domains[0]?.hostRoutes).toEqual({
    announce: "type-5",
    nextHop: "10.0.0.9",
    rd: "65000:5000",
    routeTargets: ["65000:5000"],
    l3Vni: 5000,
    routerMac: "02:00:00:00:00:01",
  });
  expect(settingsOf(fib("vni: 100")).fib?.domains[0]?.hostRoutes).toBeUndefined();
});

test.each([
  ["host-routes: type-5", /write unicast, or a block: \{announce: type-5/],
  ["host-routes: {announce: type-5}", /"rd" is missing: type-5 routes belong to a VRF; add rd/],
  ["host-routes: {}", /nothing says in which form; add announce/],
  ["host-routes: {announce: unicast, l3-vni: 5}", /unicast routes have no such thing/],
  ["host-routes: {announce: unicast, rd: nonsense}", /write ADDRESS:NUMBER or AS:NUMBER/],
  ["service: pbb, host-routes: unicast", /backbone MACs have no addresses/],
  [
    'host-routes: {announce: type-5, rd: "1:1", route-targets: ["1:1"], l3-vni: 5, router-mac: "02:00:00:00:00:01"}',
    /a router's MAC of its own/,
  ],
])("%s is refused", (domain, words) => {
  const result = check(fib(domain));
  expect(result.ok).toBe(false);
  const text = result.ok ? "" : result.issues.map(formatIssue).join("\n");
  expect(text.replaceAll("\n", "; ")).toMatch(words);
});

test("injection has bounds", () => {
  expect(settingsOf(HEAD).injection).toEqual(INJECTION_DEFAULTS);
  const less = settingsOf(`${HEAD}injection: {max-routes: 0, max-routes-per-owner: 7}\n`);
  expect(less.injection).toEqual({ maxRoutes: 0, maxRoutesPerOwner: 7 });
  expect(check(`${HEAD}injection: {max-routes: -1}\n`).ok).toBe(false);
});
