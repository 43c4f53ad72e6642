/** The relay's configuration block: what is wrong is said before anything starts. */
import { describe, expect, test } from "vitest";
import { formatIssue } from "../../src/config/index.js";
import { check } from "./lib/check.js";

const LONG = "sixteen octets or more";
const document = (more: { secret?: string; tenant?: string; pools?: string } = {}) => ({
  text: `as: 65000
router-id: 10.0.0.1
dynamic-peers: [{ prefix: 10.0.0.0/8 }]
radius:
  tenants:
    - name: default
${more.tenant ?? ""}
      authentication: { clients: [{ prefix: 10.10.15.0/24, secret-files: [key] }] }
      accounting: { clients: [{ prefix: 192.168.25.9/32, secret-files: [key] }] }
      home-servers: [{ name: h, address: 10.0.0.9, secret-files: [key] }]
${more.pools ?? ""}
`,
  files: { "/etc/evpnd/key": { text: `${more.secret ?? LONG}\n` } },
});
const load = (more = {}) => {
  const { text, files } = document(more);
  return check(text, { files, env: {} });
};

test("RAD-24: the ports are 1812 and 1813 unless said otherwise", () => {
  const result = load();
  if (!result.ok) throw new Error(result.issues.map(formatIssue).join("\n"));
  const tenant = result.settings.radius?.tenants[0];
  expect([tenant?.authentication?.port, tenant?.accounting?.port]).toEqual([1812, 1813]);
  expect(tenant?.homeServers[0]).toMatchObject({ authenticationPort: 1812, accountingPort: 1813 });
});

test("RAD-21: without its block a server does not exist, and without radius the relay does not", () => {
  const none = check("as: 1\nrouter-id: 1.1.1.1\ndynamic-peers: [{ prefix: 10.0.0.0/8 }]\n", {
    files: {},
    env: {},
  });
  expect(none.ok && none.settings.radius).toBeUndefined();
  const { text, files } = document();
  const one = check(text.replace(/ +accounting: \{ clients.*\n/, ""), { files, env: {} });
  expect(one.ok && one.settings.radius?.tenants[0]?.accounting).toBeUndefined();
});

describe("secrets", () => {
  const seed = "      profile: seed";
  test("RAD-22, RAD-63: the seed profile takes at most 32 octets, the modern one 253", () => {
    expect(load({ secret: "x".repeat(33), tenant: seed }).ok).toBe(false);
    expect(load({ secret: "x".repeat(32), tenant: seed }).ok).toBe(true);
    expect(load({ secret: "x".repeat(33) }).ok).toBe(true);
    expect(load({ secret: "x".repeat(254) }).ok).toBe(false);
  });
  test("RAD-63: a short one is warned about, and no issue quotes it", () => {
    const result = load({ secret: "short-secret" });
    const lines = result.ok ? result.warnings.map(formatIssue) : [];
    expect(lines.join("\n")).toContain("shorter than 16 octets");
    expect(lines.join("\n")).not.toContain("short-secret");
  });
  test("RAD-26: a home server without a secret is refused", () => {
    expect(load({ secret: "" }).ok).toBe(false);
  });
});

test("RAD-67: pools and routes name what exists", () => {
  const pools = `      pools: [{ name: p, servers: [nobody] }]
      routes: [{ realm: x, authentication: q }]`;
  const result = load({ pools });
  const lines = result.ok ? [] : result.issues.map(formatIssue);
  expect(lines.join("\n")).toContain('there is no home server "nobody"');
  expect(lines.join("\n")).toContain('there is no pool "q"');
});

describe("addresses", () => {
  const addresses = (block: string) => {
    const result = load({ tenant: `      addresses: ${block}` });
    return result.ok
      ? { settings: result.settings.radius?.tenants[0]?.addresses, text: "" }
      : { settings: undefined, text: result.issues.map(formatIssue).join("\n") };
  };
  const POOL = "pools: [{name: dsl, first: 10.7.0.1, last: 10.7.0.9}]";

  test("RAD-07: from a pool of ours, or from a DHCP server", () => {
    expect(addresses(`{source: local, ${POOL}}`).settings).toMatchObject({ source: "local" });
    const dhcp = "{source: dhcp, server: 10.6.0.1, relay-address: 10.0.0.254}";
    expect(addresses(dhcp).settings).toMatchObject({ serverPort: 67, timeoutMs: 10_000 });
  });

  test("RAD-17: a service manager chooses pools of ours, and never with an external server", () => {
    const gold = "bundles: {gold: dsl}";
    expect(addresses(`{source: local, ${POOL}, ${gold}}`).settings).toMatchObject({
      bundles: { gold: "dsl" },
    });
    const dhcp = "source: dhcp, server: 10.6.0.1, relay-address: 10.0.0.254";
    expect(addresses(`{${dhcp}, ${gold}}`).text).toContain("a service manager has no say");
    expect(addresses(`{source: local, ${POOL}, bundles: {gold: x}}`).text).toContain(
      'there is no pool "x"',
    );
  });

  test.each([
    ["{source: local}", '"pools" is missing'],
    ["{source: local, pools: [{name: a, first: 10.0.0.9, last: 10.0.0.1}]}", "no range"],
    ["{source: local, pools: [{name: a, first: '::1', last: '::2'}]}", "no range"],
    ["{source: dhcp}", '"server" is missing'],
    ["{source: dhcp, server: '::1', relay-address: 10.0.0.1}", "::1 is no IPv4 address"],
    [`{source: dhcp, server: 10.0.0.1, relay-address: 10.0.0.2, ${POOL}}`, '"pools" does not go'],
  ])("RAD-07: %s is refused", (block, words) => {
    expect(addresses(block).text).toContain(words);
  });
});

test("RAD-24: two servers cannot have one port", () => {
  const result = load({
    pools: `    - name: other
      authentication: { clients: [{ prefix: 10.10.15.0/24, secret-files: [key] }] }
      home-servers: [{ name: h, address: 10.0.0.9, secret-files: [key] }]`,
  });
  const lines = result.ok ? [] : result.issues.map(formatIssue);
  expect(lines.join("\n")).toContain("0.0.0.0 port 1812 is taken by authentication of default");
});
