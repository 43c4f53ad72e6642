/** Limits, memory ceiling, BFD and slow peers: from the file's words to settings, and what is refused. */
import { describe, expect, test } from "vitest";
import { formatIssue } from "../../src/config/index.js";
import { NO_LIMITS } from "../../src/bgp/limits/settings.js";
import { ceilingOctets } from "../../src/bgp/limits/memory-settings.js";
import { Family } from "../../src/fast-bgp-codec/family.js";
import { check } from "./lib/check.js";

const HEAD = "as: 65000\nrouter-id: 10.0.0.1\n";

function loaded(text: string, files: Record<string, { text: string }> = {}) {
  const result = check(HEAD + text, { files });
  if (!result.ok) throw new Error(result.issues.map(formatIssue).join("\n"));
  return result;
}

function refused(text: string): string {
  const result = check(HEAD + text);
  if (result.ok) throw new Error("accepted");
  return result.issues.map(formatIssue).join("\n");
}

const peer = (options: string): string => `peers:\n  - { address: 10.0.0.2, ${options} }\n`;
const options = (text: string) => loaded(peer(text)).settings.speaker.peers[0]!;
const limits = (text: string) => options(`limits: { ${text} }`).limits;

describe("limits of a peer", () => {
  test("are none unless given", () => {
    expect(loaded(peer("client: true")).settings.speaker.peers[0]!.limits).toEqual(NO_LIMITS);
  });

  test("each kind, with its defaults", () => {
    expect(limits("in: [{ maximum: 5 }]").in).toEqual([
      {
        family: undefined,
        routeType: undefined,
        perVni: false,
        maximum: 5,
        warnAt: 75,
        action: "stop",
      },
    ]);
    expect(
      limits(
        "in: [{ family: l2vpn-evpn, route-type: 2, per-vni: true, maximum: 9, warn-at: 0, action: discard }]",
      ).in[0],
    ).toEqual({
      family: Family.Evpn,
      routeType: 2,
      perVni: true,
      maximum: 9,
      warnAt: 0,
      action: "discard",
    });
    expect(limits("out: [{ route-type: 2, per-vni: true, maximum: 7 }]").out).toMatchObject([
      { family: undefined, routeType: 2, perVni: true, maximum: 7, action: "withhold" },
    ]);
    expect(limits("out: [{ family: ipv4-vpn, maximum: 7 }]").out).toMatchObject([
      { family: Family.Ipv4Vpn, maximum: 7, warnAt: 75, action: "withhold" },
    ]);
    expect(
      limits("attribute-octets: 1, communities: 2, cluster-list: 3, as-path: 4").attributes,
    ).toEqual({ size: 1, communities: 2, clusterList: 3, asPath: 4 });
    expect(limits("update-rate: { routes: 50 }").rate).toEqual({
      updates: 0,
      routes: 50,
      burst: 2,
    });
    expect(limits("restart-seconds: 0").restart).toBe(0);
  });

  test("a peer's block takes the place of its group's", () => {
    const text = `peer-groups:
  leaves: { limits: { communities: 5, restart-seconds: 9 } }
peers:
  - { address: 10.0.0.2, group: leaves }
  - { address: 10.0.0.3, group: leaves, limits: { as-path: 6 } }
`;
    const [first, second] = loaded(text).settings.speaker.peers;
    expect(first!.limits).toMatchObject({ attributes: { communities: 5 }, restart: 9 });
    expect(second!.limits).toMatchObject({
      attributes: { communities: 0, asPath: 6 },
      restart: 300,
    });
  });

  test.each([
    ["in: [{ family: l2vpn-evpn }]", /maximum/],
    ["in: [{ maximum: 0 }]", /maximum/],
    ["in: [{ maximum: 5, action: withhold }]", /action.*warn.*stop.*discard/s],
    ["out: [{ maximum: 5, action: discard }]", /action.*withhold/s],
    ["in: [{ maximum: 5, warn-at: 101 }]", /warn-at/],
    ["in: [{ maximum: 5, route-typ: 2 }]", /route-type/],
    ["in: [{ family: ipv4-unicast, per-vni: true, maximum: 5 }]", /EVPN's, not ipv4-unicast's/],
    ["in: [{ family: ipv4-vpn, route-type: 5, maximum: 5 }]", /leave route-type and per-vni out/],
    ["out: [{ family: ipv4-unicast, per-vni: true, maximum: 5 }]", /limits.out.*EVPN's, not/],
    ["update-rate: { updates: -1 }", /updates/],
    ["communities: many", /communities/],
  ])("%s is refused", (text, why) => {
    expect(refused(peer(`limits: { ${text} }`))).toMatch(why);
  });
});

describe("memory-limit", () => {
  const ceiling = (text: string): number =>
    ceilingOctets(loaded(`memory-limit: ${text}\n`).settings.speaker.memoryLimit, 1000 * 2 ** 20);

  test("is a share, a size or off", () => {
    expect(ceiling("50%")).toBe(500 * 2 ** 20);
    expect(ceiling("512MiB")).toBe(512 * 2 ** 20);
    expect(ceiling("8GiB")).toBe(8 * 2 ** 30);
    expect(ceiling("off")).toBe(0);
    expect(ceilingOctets(loaded("").settings.speaker.memoryLimit, 100)).toBe(80);
  });

  test.each(["0", "120%", "8 GiB", "8GB", "-1MiB"])("%s is refused", (text) => {
    expect(refused(`memory-limit: "${text}"\n`)).toContain("memory-limit");
  });
});

describe("bfd", () => {
  const bfd = (text: string) => options(`bfd: ${text}`).bfd;

  test("true takes the defaults, false and enabled: false switch it off", () => {
    expect(bfd("true")).toEqual({
      minTxMs: 300,
      minRxMs: 300,
      multiplier: 3,
      multihop: undefined,
      passive: false,
      strict: false,
      auth: undefined,
    });
    expect(bfd("false")).toBeUndefined();
    expect(bfd("{ enabled: false, min-tx-ms: 50 }")).toBeUndefined();
    expect(bfd("{ multihop: true }")).toMatchObject({ multihop: true });
    expect(bfd("{ multihop: auto }")).toMatchObject({ multihop: undefined });
  });

  test("a key comes from a file or the environment, of a length that its kind allows", () => {
    const text = peer("bfd: { auth: { type: keyed-md5, key-id: 5, key-file: /k } }");
    const secret = (key: string) => ({ "/k": { text: `${key}\n` } });
    expect(loaded(text, secret("secret")).settings.speaker.peers[0]!.bfd?.auth).toEqual({
      type: "keyed-md5",
      keyId: 5,
      key: "secret",
    });
    const long = check(HEAD + text, { files: secret("0123456789abcdef!") });
    expect(long.ok ? "" : long.issues.map(formatIssue).join("\n")).toMatch(/at most 16 octets/);
    expect(JSON.stringify(long)).not.toContain("0123456789abcdef!");
    expect(refused(peer("bfd: { auth: { type: simple } }"))).toMatch(/add key-file/);
    expect(refused(peer("bfd: { auth: { type: simple, key-file: /k, key-env: K } }"))).toMatch(
      /keep one/,
    );
  });

  test.each([
    ["{ min-tx-ms: 5 }", /min-tx-ms/],
    ["{ multiplier: 256 }", /multiplier/],
    ["{ multiplier: 0 }", /multiplier/],
    ["{ multihop: maybe }", /multihop/],
    ["{ auth: { type: md5, key-file: /k } }", /type/],
  ])("%s is refused", (text, why) => {
    expect(refused(peer(`bfd: ${text}`))).toMatch(why);
  });

  test("strict is not for dynamic peers", () => {
    expect(refused("dynamic-peers:\n  - { prefix: 10.0.0.0/24, bfd: { strict: true } }\n")).toMatch(
      /dynamic peer begins with its BGP session/,
    );
  });
});

test("slow-peers", () => {
  expect(loaded("slow-peers: { seconds: 3, backlog: 7 }\n").settings.speaker.slowPeers).toEqual({
    enabled: true,
    seconds: 3,
    recoverySeconds: 5,
    backlog: 7,
    pendingOctets: 65_536,
  });
  expect(refused("slow-peers: { seconds: 0 }\n")).toContain("seconds");
  expect(refused("slow-peers: { pending-octets: 1000000 }\n")).toContain("pending-octets");
});
