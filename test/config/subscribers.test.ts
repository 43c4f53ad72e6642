/** The `subscribers` block: what it turns into, and what it is refused for. */
import { describe, expect, test } from "vitest";
import { errorsOf, settingsOf, warningsOf } from "./lib/check.js";

const HEAD = 'as: 65000\nlisten: ["10.0.0.254:179"]\npeers: [{address: 10.0.0.1}]\n';
const FIB = "fib: {enabled: true}\n";
const RADIUS = `radius:
  tenants:
    - {name: campus, home-servers: [{name: h, address: 10.0.0.9, secret-files: [h]}]}
`;
const files = { "/etc/evpnd/h": { text: "a long enough secret" } };
const block = (text: string) => `${HEAD}${FIB}${RADIUS}subscribers: ${text}\n`;
const subscribers = (text: string) => settingsOf(block(text), { files }).subscribers;
const errors = (text: string) => errorsOf(block(text), { files }).join("\n");

test("RAD-07: by default ten seconds of grace, and a report", () => {
  expect(subscribers("{domains: [{domain: wifi, tenant: campus}]}")).toEqual({
    graceSeconds: 10,
    domains: [
      {
        domain: "wifi",
        tenant: "campus",
        vlan: undefined,
        requireSession: true,
        action: "report",
        exemptMacs: [],
        exemptOuis: [],
      },
    ],
    accessPoints: [],
  });
});

test("RAD-71: access points in any notation are one; VLANs are text", () => {
  const { domains, accessPoints } = subscribers(
    `
  domains: [{domain: wifi, tenant: campus, vlan: 100, exempt-ouis: ["00-50-56"]}]
  access-points:
    - {id: 02-AA-BB-CC-DD-01, pe: 10.0.0.1}
    - {id: 02aa.bbcc.dd02, esi: "00:11:22:33:44:55:66:77:88:AA"}
    - {id: Hall}`.replace("Hall", "Hall, pe: 10.0.0.2"),
  ) ?? { domains: [], accessPoints: [] };
  expect(domains[0]).toMatchObject({ vlan: "100", exemptOuis: ["00:50:56"] });
  expect(accessPoints).toEqual([
    { id: "02:aa:bb:cc:dd:01", pe: "10.0.0.1", esi: undefined },
    { id: "02:aa:bb:cc:dd:02", pe: undefined, esi: "00:11:22:33:44:55:66:77:88:aa" },
    { id: "hall", pe: "10.0.0.2", esi: undefined },
  ]);
});

describe("is refused for", () => {
  test.each([
    ["a tenant that there is not", "{domains: [{domain: w, tenant: x}]}", 'no tenant "x"'],
    [
      "a domain twice",
      "{domains: [{domain: w, tenant: campus}, {domain: w, tenant: campus, vlan: 7}]}",
      "w stands here twice",
    ],
    [
      "one tenant and VLAN in two domains",
      "{domains: [{domain: w, tenant: campus, vlan: 7}, {domain: v, tenant: campus, vlan: 7}]}",
      "tenant campus, VLAN 7 (for a second domain) stands here twice",
    ],
    [
      "an access point in two places, or in none",
      `{domains: [{domain: w, tenant: campus}], access-points: [{id: a, pe: 10.0.0.1, esi: "00:11:22:33:44:55:66:77:88:99"}, {id: b}, {id: A, pe: 10.0.0.1}]}`,
      "give either pe or esi",
    ],
  ])("%s", (_what, text, said) => {
    expect(errors(text)).toContain(said);
  });
});

test("does nothing without a FIB or a relay, and says so", () => {
  const text = "subscribers: {domains: [{domain: wifi, tenant: campus}]}\n";
  for (const [around, said] of [
    [HEAD + FIB, "the RADIUS relay's, and it is off"],
    [HEAD + RADIUS, "the MAC FIB, and it is off"],
  ] as const) {
    expect(settingsOf(around + text, { files }).subscribers).toBeUndefined();
    expect(warningsOf(around + text, { files }).join("\n")).toContain(said);
  }
});
