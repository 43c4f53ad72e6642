/** PIX text: as a page prints it, with commands inside comments, and clean; and back. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { sideOf } from "../../../src/ipsec/model/index.js";
import { importText } from "../../../src/ipsec/vendors/index.js";
import { named, renderedAgain as rendered } from "./lib/orders.js";

const read = (name: string) => readFileSync(`test/ipsec/fixtures/${name}`, "utf8");
const PRINTED = read("pix.printed.txt");
const CLEAN = read("pix.clean.txt");
const take = (text: string) => importText("pix", text);

const printed = take(PRINTED);
const pix = named(printed.model, "PIXRTPVPN");
const [tunnel] = printed.model.tunnels;
if (tunnel === undefined) throw new Error("no tunnel");

test("IPS-74, IPS-76: the printed text and its clean form give one model", () => {
  expect(printed.model).toEqual(take(CLEAN).model);
});

test("IPS-76: what is rendered of the printed text is its clean form, and that is its own", () => {
  expect(rendered(printed)).toBe(CLEAN);
  expect(rendered(take(CLEAN))).toBe(CLEAN);
});

describe("IPS-74: every command inside a comment is said, and taken", () => {
  const hidden = printed.notes.filter(({ code }) => code === "hidden-command");
  test("with a warning each", () => {
    expect(hidden.map(({ line }) => line)).toEqual([
      "access-list 101 permit ip 192.168.10.0 255.255.255.0 10.32.0.0 255.255.128.0",
      "access-list nonat permit ip 192.168.10.0 255.255.255.0 10.32.0.0 255.255.128.0",
      "nat (inside) 0 access-list nonat",
      "sysopt connection permit-ipsec",
      "crypto ipsec transform-set rtptac esp-3des esp-md5-hmac",
      "crypto map rtprules 10 ipsec-isakmp",
      "crypto map rtprules interface outside",
      "isakmp key ***** address 172.18.124.157 netmask 255.255.255.255",
      "isakmp policy 1 authentication pre-share",
    ]);
    expect(hidden.every(({ severity }) => severity === "warning")).toBe(true);
  });
  test("and left out when asked: then there is no tunnel, and it is said why", () => {
    const { model, notes } = importText("pix", PRINTED, { hidden: "leave" });
    expect(model.tunnels).toEqual([]);
    expect(notes.filter(({ code }) => code === "hidden-left")).toHaveLength(9);
    expect(notes.some(({ severity }) => severity === "error")).toBe(true);
  });
  test("the key is masked: it is to be set", () => {
    expect(printed.secrets).toEqual([
      { name: "psk-172.18.124.157", value: undefined, from: expect.any(Number) as number },
    ]);
    expect(printed.notes.find(({ code }) => code === "key-masked")?.remedy).toContain(
      "psk-172.18.124.157",
    );
  });
  test("names that vary are suggested", () => {
    const { notes, model } = take(
      CLEAN.replace("10 set transform-set rtptac", "10 set transform-set rtpac"),
    );
    expect(notes.find(({ code }) => code === "unknown-name")).toMatchObject({
      severity: "error",
      remedy: "did you mean rtptac?",
    });
    expect(model.tunnels).toEqual([]);
  });
});

test("IPS-40: the tunnel comes up on traffic", () => {
  expect(tunnel.ends[0].start).toBe("trap");
});

test("IPS-42: addresses and networks of the case", () => {
  expect(pix.interfaces.map(({ name, addresses }) => [name, addresses])).toEqual([
    ["outside", ["172.18.124.158/24"]],
    ["inside", ["192.168.10.1/24"]],
  ]);
  const side = sideOf(printed.model, tunnel, 0);
  expect(side?.remote.reach).toEqual({ kind: "static", address: "172.18.124.157" });
  expect(side?.localNetworks).toEqual(["192.168.10.0/24"]);
  expect(side?.remoteNetworks).toEqual(["10.32.0.0/17"]);
});

test("IPS-43: the crypto list gives the selectors, the other side's are its mirror", () => {
  expect(tunnel.kind).toBe("policy-based");
  const [own, far] = [sideOf(printed.model, tunnel, 0), sideOf(printed.model, tunnel, 1)];
  expect(own?.selectors).toMatchObject([{ local: "192.168.10.0/24", remote: "10.32.0.0/17" }]);
  expect(far?.selectors).toMatchObject([{ local: "10.32.0.0/17", remote: "192.168.10.0/24" }]);
});

test("IPS-44: the same networks are exempt from translation, everything else is translated", () => {
  expect(pix.nat).toEqual({
    exemptions: [
      {
        interface: "inside",
        list: "nonat",
        pairs: [{ local: "192.168.10.0/24", remote: "10.32.0.0/17" }],
      },
    ],
    overloads: [{ id: 1, inside: "inside", outside: "outside", source: "0.0.0.0/0" }],
  });
});

test("IPS-45: permit-ipsec is a switch", () => {
  expect(pix.permitIpsec).toBe(true);
  const without = take(CLEAN.replace("sysopt connection permit-ipsec\n", ""));
  expect(named(without.model, "PIXRTPVPN").permitIpsec).toBe(false);
  expect(rendered(without)).not.toContain("permit-ipsec");
});

test("IPS-46, IPS-47, IPS-50: transform set, crypto map, lifetimes, no PFS", () => {
  expect(tunnel.child).toMatchObject({
    mode: "tunnel",
    lifetimeSeconds: 28_800,
    lifetimeKilobytes: 4_608_000,
    proposals: [{ encryption: "3des", integrity: "md5", pfs: undefined }],
  });
  expect(tunnel.ends[0].names).toEqual({
    cryptoMap: "rtprules",
    sequence: 10,
    accessList: "101",
    transformSet: "rtptac",
  });
  expect(tunnel.ends[0].outgoingInterface).toBe("outside");
});

test("IPS-47: several entries of a map are several tunnels, in order", () => {
  const more =
    "access-list 102 permit ip 192.168.10.0 255.255.255.0 10.64.0.0 255.255.0.0\n" +
    "crypto map rtprules 5 ipsec-isakmp\ncrypto map rtprules 5 match address 102\n" +
    "crypto map rtprules 5 set peer 172.18.124.200\ncrypto map rtprules 5 set transform-set rtptac\n" +
    "crypto map rtprules 5 set pfs group2\n" +
    "crypto map rtprules 5 set security-association lifetime seconds 3600 kilobytes 1000000\n";
  const imported = take(CLEAN + more);
  expect(imported.model.tunnels.map(({ name }) => name)).toEqual(["rtprules-5", "rtprules-10"]);
  expect(imported.model.tunnels[0]?.child).toMatchObject({
    lifetimeSeconds: 3600,
    lifetimeKilobytes: 1_000_000,
    proposals: [{ pfs: "modp1024" }],
  });
  const text = rendered(imported);
  for (const line of more.trim().split("\n")) expect(text).toContain(`${line}\n`);
  expect(take(text).model).toEqual(imported.model);
});

test("IPS-48: a key for one host, or for a network, which is another scope", () => {
  expect(tunnel.authentication).toMatchObject({ scope: { kind: "peer" } });
  const wide = take(
    CLEAN.replace(/isakmp key .*/, "isakmp key ***** address 172.18.0.0 netmask 255.255.0.0"),
  );
  expect(wide.model.tunnels[0]?.authentication).toMatchObject({
    scope: { kind: "prefix", prefix: "172.18.0.0/16" },
  });
  expect(rendered(wide)).toContain("address 172.18.0.0 netmask 255.255.0.0\n");
  expect(pix.ikeInterfaces).toEqual(["outside"]);
});

test("IPS-49: numbered policies, tried in order of number", () => {
  expect(tunnel.ike.proposals).toEqual([
    {
      number: 1,
      authentication: "psk",
      encryption: "3des",
      integrity: "md5",
      prf: "md5",
      group: "modp1024",
      additional: [],
      lifetimeSeconds: 86_400,
    },
  ]);
  const two = CLEAN.replace(
    "telnet timeout 5\n",
    "isakmp policy 20 authentication pre-share\nisakmp policy 20 encryption aes-256\n" +
      "isakmp policy 20 hash sha\nisakmp policy 20 group 5\nisakmp policy 20 lifetime 3600\n" +
      "telnet timeout 5\n",
  );
  const imported = take(two);
  expect(imported.model.tunnels[0]?.ike.proposals.map(({ number }) => number)).toEqual([1, 20]);
  expect(rendered(imported)).toBe(two);
});

test("IPS-73: defaults belong to a vendor's proposals", () => {
  expect(tunnel.ike.proposals[0]?.lifetimeSeconds).toBe(86_400);
  const bare = take(CLEAN.replace(/isakmp policy 1 (encryption|hash|group|lifetime) .*\n/g, ""));
  expect(bare.model.tunnels[0]?.ike.proposals[0]).toMatchObject({
    encryption: "des",
    integrity: "sha1",
    group: "modp768",
    lifetimeSeconds: 86_400,
  });
});

describe("IPS-76: no line is dropped in silence", () => {
  test("what is no matter of tunnels is kept, secrets of it blanked", () => {
    expect(printed.kept).toContain("fixup protocol ftp 21");
    expect(printed.kept).toContain("enable password ***** encrypted");
    expect(printed.kept).toContain("snmp-server community *****");
    expect(JSON.stringify(printed)).not.toContain("Qm4vT7xWb2Lr9KpZ");
  });
  test("every line of the printed text is in the model, kept, or noted", () => {
    const rendering = rendered(printed);
    const noted = new Set(
      printed.notes.flatMap(({ from, to }) =>
        Array.from({ length: to - from + 1 }, (_, index) => from + index),
      ),
    );
    const lost = PRINTED.split("\n").filter((line, index) => {
      const text = line.trim();
      if (text === "" || noted.has(index + 1) || rendering.includes(text)) return false;
      return !text.startsWith("!");
    });
    expect(lost).toEqual([]);
  });
  test.each([
    ["access-list 101 permit ip 10.0.0.0 255.0.255.0 any", "unreadable"],
    ["crypto map m 10 set peer", "unreadable"],
    ["crypto map m 10 match address 999\ncrypto map m 10 set peer 192.0.2.1", "unknown-name"],
    ["crypto map m 10 set peer 192.0.2.1", "no-networks"],
    ["crypto map m 10 ipsec-manual", "manual"],
    ["isakmp policy 1 encryption rot13", "unreadable"],
    ["nat (inside) 0 access-list nothing", "unknown-name"],
    ["Some words of a page", "stray"],
  ])("%s: %s", (line, code) => {
    const { notes } = take(line);
    expect(notes.find((note) => note.code === code)).toMatchObject({ severity: "error" });
  });
  test("a command that nobody has heard of is kept", () => {
    const { kept, notes } = take("frobnicate all\n");
    expect(kept).toEqual(["frobnicate all"]);
    expect(notes).toMatchObject([{ code: "unknown", severity: "warning" }]);
  });
  test("a list that denies, and one for other matters", () => {
    const { notes, kept } = take(
      CLEAN +
        "access-list 101 deny ip 192.168.10.0 255.255.255.0 10.33.0.0 255.255.0.0\n" +
        "access-list web permit tcp any host 192.0.2.80 eq www\n" +
        "access-list web permit ip any any\n",
    );
    expect(notes.find(({ code }) => code === "list-line")).toMatchObject({ severity: "error" });
    expect(kept).toContain("access-list web permit ip any any");
    expect(kept).toContain("access-list web permit tcp any host 192.0.2.80 eq www");
  });
});

test("IPS-70: what a gateway shows of its SAs is no configuration", () => {
  const { model, notes } = take("    spi: 0xc0ffee12(3237998098)\nIV size: 8 bytes\n");
  expect(model.tunnels).toEqual([]);
  expect(notes.map(({ code, from }) => [code, from])).toEqual([
    ["unknown", 1],
    ["stray", 2],
  ]);
});

test("IPS-72: nor is it when it is misprinted: an SPI of nine digits becomes no number of ours", () => {
  const spis = "inbound esp sas:\n spi: 0xc0ffee123(3237998098)\n";
  const { model } = take(CLEAN + spis);
  expect(model).toEqual(take(CLEAN).model);
});

test("lists that thousands of entries share: a clear error, and no more than can be printed", () => {
  const numbers = Array.from({ length: 4000 }, (_, n) => n + 1);
  const net = (n: number) => `10.${n >> 8}.${n & 255}.0 255.255.255.0`;
  const text = [
    ...numbers.map((n) => `access-list 101 permit ip 192.168.10.0 255.255.255.0 ${net(n)}`),
    "crypto ipsec transform-set rtptac esp-3des esp-md5-hmac",
    "isakmp policy 1 authentication pre-share",
    ...numbers.flatMap((n) => [
      `crypto map many ${n} ipsec-isakmp`,
      `crypto map many ${n} match address 101`,
      `crypto map many ${n} set peer 198.51.${n >> 8}.${n & 255}`,
      `crypto map many ${n} set transform-set rtptac`,
    ]),
    "",
  ].join("\n");
  // 20,000 lines at most are taken.
  const { model, notes } = take(text.split("\n").slice(0, 19_990).join("\n"));
  const selectors = model.tunnels.flatMap(({ ends: [, far] }) => far.networks);
  expect(selectors.length).toBeLessThanOrEqual(50_000);
  expect(model.tunnels.length).toBeGreaterThan(0);
  const faults = notes.filter(({ code }) => code === "networks");
  expect(faults[0]).toMatchObject({
    severity: "error",
    message: expect.stringContaining("50000 at most") as string,
    remedy: "import fewer tunnels at once",
  });
});
