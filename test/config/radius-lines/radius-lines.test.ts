/** Configuration lines of edge routers: read by mode and `no` form, printed back, turned into a radius block. */
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import {
  COMMANDS,
  convertLines,
  formatLines,
  parseLines,
} from "../../../src/config/radius-lines/index.js";
import { check } from "../lib/check.js";

/** Four keys of authentication, two of accounting, and the usual ports. */
const EXAMPLE = `radius relay authentication server
 key 10.10.15.0 255.255.255.0 orchard-gate
 key 192.168.25.9 255.255.255.255 lone-host
 key 192.0.2.17 255.255.255.255 third-word
 key 198.51.100.0 255.255.255.128 fourth-word
 udp-port 1812
radius relay accounting server
 key 10.10.15.0 255.255.255.0 orchard-gate
 key 198.51.100.0 255.255.255.128 ledger-word
 udp-port 1813
!
`;

const HOME = "radius authentication server 10.20.0.1\nkey upstream\n";
const say = (secret: string) => secret;
const errors = (text: string) =>
  parseLines(text).issues.map(({ line, message }) => `${line}: ${message}`);
const relays = (text: string) => parseLines(text).routers[0]?.relays;

test("RAD-44: the example is read and printed back as it is", () => {
  const { routers, issues } = parseLines(EXAMPLE);
  expect(issues).toEqual([]);
  expect(formatLines(routers, say)).toBe(EXAMPLE);
  expect(formatLines(routers, () => "<…>")).not.toContain("third-word");
});

test("RAD-44: with prompts, as it stands in a terminal", () => {
  const typed = EXAMPLE.split("\n")
    .map((line) => `host1(config-radius-relay)#${line.trim()}`)
    .join("\n");
  const text = `host1#configure terminal\n${typed}\nhost1(config-radius-relay)#exit\n`;
  expect(formatLines(parseLines(text).routers, say)).toBe(EXAMPLE);
});

test("RAD-20: each virtual router is a tenant with a relay of its own", () => {
  const text = `virtual-router one\n${EXAMPLE}virtual-router two\n${EXAMPLE}`;
  const { routers, issues } = parseLines(text);
  expect(issues).toEqual([]);
  expect(routers.map(({ name }) => name)).toEqual(["one", "two"]);
  expect(formatLines(routers, say)).toBe(text);
  expect(convertLines(routers, "secrets").block.tenants).toMatchObject([
    { name: "one", profile: "seed" },
    { name: "two", profile: "seed" },
  ]);
});

describe("RAD-21: servers are made and deleted, one or all", () => {
  test.each([
    ["no radius relay authentication server", ["accounting"]],
    ["no radius relay accounting server", ["authentication"]],
    ["no radius relay", []],
  ])("%s", (line, left) => {
    const kinds = relays(`${EXAMPLE}${HOME}${line}\n`)?.keys() ?? [];
    expect([...kinds]).toEqual(left);
  });

  test("what is not there cannot be deleted", () => {
    expect(errors("no radius relay accounting server")).toEqual([
      "1: there is no such server to remove",
    ]);
  });
});

test("RAD-22: several keys; one for the same network replaces it; 32 characters at most", () => {
  const long = "x".repeat(33);
  const text = `radius relay authentication server
    key 10.10.15.0 255.255.255.0 first
    key 192.168.25.9 255.255.255.255 host
    key 10.10.15.0 255.255.255.0 second
    key 10.0.0.0 255.0.0.0 ${long}
    key 10.0.0.0 255.0.0.0 ${long.slice(1)}
    key 10.0.0.0 255.0.255.0 gap`;
  const keys = relays(text)
    ?.get("authentication")
    ?.keys.map(({ secret }) => secret);
  expect(keys).toEqual(["second", "host", long.slice(1)]);
  expect(errors(text)).toEqual([
    "5: the secret has more than 32 characters",
    "7: the second word behind key is no mask",
  ]);
  expect(errors(text).join()).not.toContain("xxx");
});

test("RAD-23: no key takes a client away, and says when there is none", () => {
  const text = `${EXAMPLE}radius relay authentication server
    no key 10.10.15.0 255.255.255.0
    no key 10.99.0.0 255.255.0.0`;
  expect(relays(text)?.get("authentication")?.keys).toHaveLength(3);
  expect(errors(text)).toEqual(["14: there is no key for 10.99.0.0 255.255.0.0 to remove"]);
});

test("RAD-24: ports 1 to 65535; no udp-port restores the default", () => {
  const relay = "radius relay accounting server\nkey 10.0.0.0 255.0.0.0 s\n";
  const port = (lines: string) => relays(relay + lines)?.get("accounting")?.port;
  expect([port("udp-port 1"), port("udp-port 65535")]).toEqual([1, 65535]);
  expect(port("udp-port 99\nno udp-port")).toBeUndefined();
  expect(formatLines(parseLines(`${relay}udp-port 99\nno udp-port`).routers, say)).toContain(
    "udp-port 1813",
  );
  for (const bad of ["0", "65536", "-1", "x"]) {
    expect(errors(`${relay}udp-port ${bad}`)).toEqual([`3: "${bad}" is no port; use 1 to 65535`]);
  }
});

test("RAD-25: authentication and accounting have their own keys and ports", () => {
  const found = relays(EXAMPLE);
  expect(found?.get("authentication")).toMatchObject({ port: 1812 });
  expect(found?.get("authentication")?.keys).toHaveLength(4);
  expect(found?.get("accounting")?.keys).toHaveLength(2);
});

test("RAD-26: a home server without a key is left out, and that is said", () => {
  const { routers } = parseLines(`${EXAMPLE}radius accounting server 10.20.0.2\n${HOME}`);
  const { block, issues } = convertLines(routers, "secrets");
  expect(JSON.stringify(block)).not.toContain("10.20.0.2");
  expect(issues.map(({ message }) => message)).toEqual([
    "default: accounting server 10.20.0.2 has no key, so requests for it are dropped: it is left out",
  ]);
});

test("RAD-28: subscriber disconnect is off unless it is said, for dynamic-request servers", () => {
  const of = (lines: string) =>
    parseLines(`radius dynamic-request server 10.20.0.1\n${lines}`).routers[0]?.servers[0];
  expect(of("key s")).toMatchObject({ disconnect: false, port: undefined });
  expect(of("subscriber disconnect")).toMatchObject({ disconnect: true });
  expect(of("subscriber disconnect\nno subscriber disconnect")?.disconnect).toBe(false);
  expect(errors(`${HOME}subscriber disconnect`)).toEqual([
    "3: subscriber disconnect belongs to a dynamic-request server",
  ]);
});

test("RAD-24, RAD-28: subscriber disconnect of a home server is taken over, with port 1700; a stranger's is not", () => {
  const convert = (key: string, port = "") => {
    const asker = `radius dynamic-request server 10.20.0.1\nkey ${key}\nsubscriber disconnect\n${port}`;
    const { block, issues } = convertLines(
      parseLines(`${EXAMPLE}${HOME}${asker}`).routers,
      "secrets",
    );
    const [tenant] = block.tenants as { "dynamic-authorization"?: object }[];
    return { dynamic: tenant?.["dynamic-authorization"], said: issues.map((one) => one.message) };
  };
  const own = /key (\S+)/.exec(HOME)?.[1] ?? "";
  expect(convert(own)).toMatchObject({
    dynamic: { enabled: true, ports: [1700], "client-port": 0 },
    said: [],
  });
  expect(convert(own, "udp-port 3799").dynamic).toMatchObject({ ports: [3799] });
  const other = convert("another-word");
  expect(other.dynamic).toBeUndefined();
  expect(other.said[0]).toMatch(/disconnects from 10.20.0.1 are not taken over/);
});

describe("RAD-29: each command has its mode and its no form, or none", () => {
  const values: Readonly<Record<string, string>> = {
    NAME: "red",
    ADDRESS: "10.0.0.1",
    MASK: "255.255.255.255",
    SECRET: "word",
    PORT: "99",
  };
  const lineOf = (pattern: string) =>
    pattern
      .split(" ")
      .filter((word) => !word.startsWith("["))
      .map((word) => values[word] ?? word.split("|").at(-1))
      .join(" ");
  const INTO = {
    exec: "",
    global: "",
    relay: "radius relay authentication server\n",
    radius: "radius dynamic-request server 10.0.0.1\n",
  } as const;

  test.each(COMMANDS.map((row) => [row.id, row] as const))("%s", (_id, row) => {
    const { mode, words, hasNo, evpnctl } = row;
    const said = errors(`${INTO[mode]}${lineOf(words)}`);
    if (mode === "exec") {
      expect(said).toEqual([`1: "${words}" is no configuration; use evpnctl ${evpnctl}`]);
    } else expect(said).toEqual([]);
    const undone = errors(`${INTO[mode]}${lineOf(words)}\nno ${lineOf(row.noWords ?? words)}`);
    const none = `"${words}" has no "no" form`;
    expect(undone.some((text) => text.endsWith(none))).toBe(!hasNo);
    if (mode === "relay" || mode === "radius") {
      expect(errors(lineOf(words))[0]).toContain("no such command in global configuration mode");
    }
  });
});

describe("an import", () => {
  const text = `${EXAMPLE}${HOME}udp-port 1645\nradius accounting server 10.20.0.1\nkey upstream`;

  test("RAD-44: makes a block that evpnd takes, with each secret in a file", () => {
    const { block, secrets, issues } = convertLines(parseLines(text).routers, "secrets");
    expect(issues).toEqual([]);
    expect([...secrets.values()].sort()).toEqual(
      [
        ...["orchard-gate", "lone-host", "third-word", "fourth-word"],
        ...["orchard-gate", "ledger-word", "upstream"],
      ].sort(),
    );
    const yaml = stringify({ as: 65000, "router-id": "10.0.0.1", radius: block });
    expect(yaml).not.toMatch(/lone-host|third-word|upstream/);
    const files = Object.fromEntries(
      [...secrets].map(([name, secret]) => [`/etc/evpnd/secrets/${name}`, { text: secret }]),
    );
    const result = check(yaml, { files });
    if (!result.ok) throw new Error(JSON.stringify(result.issues));
    const [tenant] = result.settings.radius?.tenants ?? [];
    expect(tenant).toMatchObject({
      name: "default",
      profile: "seed",
      authentication: { address: "0.0.0.0", port: 1812 },
      accounting: { port: 1813 },
      homeServers: [{ address: "10.20.0.1", authenticationPort: 1645, secrets: ["upstream"] }],
    });
    expect(tenant?.authentication?.clients.map(({ prefix }) => prefix)).toEqual([
      "10.10.15.0/24",
      "192.168.25.9/32",
      "192.0.2.17/32",
      "198.51.100.0/25",
    ]);
  });

  test("RAD-63: the limit of 32 characters is there in these lines and the seed profile only", () => {
    const long = "0123456789abcdef0123456789abcdef0123";
    expect(errors(`radius relay authentication server\nkey 10.0.0.0 255.0.0.0 ${long}`)).toEqual([
      "2: the secret has more than 32 characters",
    ]);
    const { block } = convertLines(parseLines(text).routers, "secrets");
    const yaml = (profile: string) =>
      stringify({ as: 65000, "router-id": "10.0.0.1", radius: block }).replace(
        "profile: seed",
        `profile: ${profile}`,
      );
    const files = Object.fromEntries(
      [...convertLines(parseLines(text).routers, "secrets").secrets.keys()].map((name) => [
        `/etc/evpnd/secrets/${name}`,
        { text: long },
      ]),
    );
    expect(check(yaml("seed"), { files }).ok).toBe(false);
    expect(check(yaml("modern"), { files }).ok).toBe(true);
  });
});

test("whatever else comes is an error with its line, and quotes no secret", () => {
  const text = `radius relay authentication server
 key 10.10.15.0 mask secretword
 key 10.10.15.0 255.255.255.0 secretword too much
 interface fastEthernet 4/0
 baseline radius relay
no baseline radius relay`;
  const found = errors(text);
  expect(found.map((line) => line.split(":")[0])).toEqual(["2", "3", "4", "5", "6"]);
  expect(found.join()).not.toContain("secretword");
});

test("RAD-41: a secret in another word's place is not quoted; a router's name is no path", () => {
  const relay = "radius relay accounting server\n";
  expect(errors(`${relay}key my-secret 10.0.0.0 255.0.0.0`)).toEqual([
    "2: the first word behind key is no IPv4 address",
  ]);
  expect(errors(`${relay}key 10.0.0.0 my-secret 255.0.0.0`)).toEqual([
    "2: the second word behind key is no mask",
  ]);
  expect(errors("virtual-router ../../etc/cron.d/x")).toEqual([
    "1: a virtual router's name has letters, digits, dots, dashes and underscores",
  ]);
});
