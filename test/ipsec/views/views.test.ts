/** The views of gateways: what they say of the tunnels of both documents. */
import { describe, expect, test } from "vitest";
import { tunnelMtu } from "../../../src/ipsec/check/mtu.js";
import { cookieList } from "../../../src/ipsec/views/cookies.js";
import { cryptoIpsecList } from "../../../src/ipsec/views/crypto-ipsec.js";
import { isakmpList } from "../../../src/ipsec/views/isakmp-sa.js";
import { saList, type ViewedTunnel } from "../../../src/ipsec/views/sa-list.js";
import { statusRows } from "../../../src/ipsec/views/status.js";
import { childSa, ikeSa } from "../lib/observed.js";
import { sideFor, type TunnelChoice } from "../lib/sides.js";

function viewed(choice: TunnelChoice, change: Partial<ViewedTunnel> = {}): ViewedTunnel {
  return {
    side: sideFor({ name: "t", ...choice }),
    sas: [ikeSa()],
    monitor: "up",
    id: 1,
    ...change,
  };
}

const SSG = viewed({ profile: "ssg", more: { kind: "route-based" } });
const PIX = viewed(
  {
    profile: "pix",
    addresses: ["172.18.124.158", "172.18.124.157"],
    networks: [["192.168.10.0/24"], ["10.32.0.0/17"]],
  },
  {
    monitor: "off",
    sas: [
      ikeSa({
        localHost: "172.18.124.158",
        remoteHost: "172.18.124.157",
        encryption: "3DES_CBC",
        encryptionBits: undefined,
        integrity: "HMAC_MD5_96",
        children: [
          childSa({
            encryption: "3DES_CBC",
            encryptionBits: undefined,
            integrity: "HMAC_MD5_96",
            packetsIn: 19,
            packetsOut: 19,
            bytesIn: 1596,
            bytesOut: 1596,
            lifeSeconds: 27_019,
            localSelectors: ["192.168.10.0/24"],
            remoteSelectors: ["10.32.0.0/17"],
          }),
        ],
      }),
    ],
  },
);

describe("ScreenOS", () => {
  test("IPS-31: get sa has a row for each direction, with algorithm, SPI, what is left, and A/U", () => {
    const { total, rows } = saList([SSG], false);
    expect(total).toBe(1);
    expect(rows.map(({ direction, spi }) => [direction, spi])).toEqual([
      ["in", "ced238c7"],
      ["out", "6b15a355"],
    ]);
    expect(rows[0]).toEqual({
      tunnel: "t",
      id: "00000001",
      direction: "in",
      gateway: "192.0.2.2",
      port: 500,
      algorithm: "esp:a128/sha1",
      spi: "ced238c7",
      seconds: 3600,
      kilobytes: undefined,
      state: "A/U",
      policyId: -1,
      vsys: 0,
    });
  });

  test("IPS-31: a tunnel without an SA is inactive, and left out of get sa active", () => {
    const down = { ...SSG, sas: [], monitor: "down" as const };
    expect(saList([down, SSG], false).rows.map(({ state }) => state)).toEqual([
      "I/D",
      "I/D",
      "A/U",
      "A/U",
    ]);
    expect(saList([down, SSG], true)).toMatchObject({ total: 2 });
    expect(saList([down, SSG], true).rows).toHaveLength(2);
  });

  test("IPS-31: what is left in kB counts down from the limit; a policy-based one has its policy's id", () => {
    const [row] = saList([PIX], false).rows;
    expect(row).toMatchObject({
      algorithm: "esp:3des/md5",
      kilobytes: 4_607_998,
      seconds: 27_019,
      state: "A/-",
      policyId: 0,
    });
  });

  test("IPS-32: get ike cookies has cookies, ends, method, lifetimes and role", () => {
    const list = cookieList([SSG], () => ({ errors: 2, lifetimeReceived: 28_800 }));
    expect(list).toMatchObject({ active: 1, dead: 0, total: 1 });
    expect(list.rows[0]).toMatchObject({
      cookies: "522f/0003",
      initiator: "192.0.2.1:500",
      responder: "192.0.2.2:500",
      method: "PRESHR/grp2/AES128/SHA",
      exchange: 2,
      lifetime: 28_800,
      lifetimeReceived: 28_800,
      nextRekey: 15_460,
      certificateExpiry: 0,
      role: "initiator",
      errors: 2,
      natMap: "not available",
      heartbeat: "disabled",
      xauth: 0,
      dpdLocal: 0,
      dpdPeer: 0,
    });
    const dying = {
      ...SSG,
      sas: [ikeSa({ state: "DELETING", initiator: false, natRemote: true })],
    };
    const certified = cookieList([SSG], () => ({ errors: 0, certificateExpiry: 86_400 }));
    expect(certified.rows[0]).toMatchObject({ certificateExpiry: 86_400 });
    const other = cookieList([dying], () => ({ errors: 0 }));
    expect(other).toMatchObject({ active: 0, dead: 1, total: 1 });
    expect(other.rows[0]).toMatchObject({
      role: "responder",
      initiator: "192.0.2.2:500",
      natMap: "NAT in front of the peer",
    });
  });
});

describe("PIX", () => {
  test("IPS-56: show crypto isakmp sa: QM_IDLE, pending, created, embryonic", () => {
    const busy = {
      ...PIX,
      sas: [
        ...PIX.sas,
        ikeSa({
          state: "CONNECTING",
          responderSpi: "0".repeat(16),
          children: [],
          tasks: ["QUICK_MODE"],
        }),
      ],
    };
    expect(isakmpList([busy])).toEqual({
      total: 2,
      embryonic: 1,
      rows: [
        {
          tunnel: "t",
          destination: "172.18.124.157",
          source: "172.18.124.158",
          state: "QM_IDLE",
          pending: 0,
          created: 1,
        },
        {
          tunnel: "t",
          destination: "192.0.2.2",
          source: "192.0.2.1",
          state: "MM_NO_STATE",
          pending: 1,
          created: 0,
        },
      ],
    });
    const two = {
      ...PIX,
      sas: [
        ikeSa({ version: 2 }),
        ikeSa({ version: 2, state: "CONNECTING" }),
        ikeSa({ version: 2, state: "DELETING" }),
      ],
    };
    expect(isakmpList([two]).rows.map(({ state }) => state)).toEqual(["READY", "IN-NEG", "DELETE"]);
  });

  test("IPS-57: show crypto ipsec sa: idents, counters, overhead 56, SPI in hex and decimal, what is left", () => {
    const [row] = cryptoIpsecList([PIX], (side) => tunnelMtu(side).overhead);
    expect(row).toMatchObject({
      interface: "eth0",
      localAddress: "172.18.124.158",
      localIdent: "192.168.10.0/255.255.255.0/0/0",
      remoteIdent: "10.32.0.0/255.255.128.0/0/0",
      peer: "172.18.124.157",
      flags: "{origin_is_acl,}",
      encaps: 19,
      encrypt: 19,
      digest: 19,
      decaps: 19,
      decrypt: 19,
      verify: 19,
      sendErrors: 0,
      receiveErrors: 0,
      pathMtu: 1500,
      overhead: 56,
      mediaMtu: 1500,
      outboundSpi: "6b15a355",
    });
    expect(row?.inboundEsp).toEqual([
      {
        spi: "0xced238c7",
        decimal: 3_469_883_591,
        transform: "esp-3des esp-md5-hmac",
        settings: "Tunnel, ",
        slot: 0,
        connectionId: 6,
        cryptoMap: "t",
        kilobytesLeft: 4_607_998,
        secondsLeft: 27_019,
        ivOctets: 8,
        replayDetection: true,
      },
    ]);
    expect(row?.outboundEsp[0]).toMatchObject({ decimal: 1_796_580_181, connectionId: 7 });
    expect([row?.inboundAh, row?.outboundPcp]).toEqual([[], []]);
  });

  test("IPS-57: without an SA the row stands, with what is configured", () => {
    const [row] = cryptoIpsecList([{ ...PIX, sas: [] }], () => 56);
    expect(row).toMatchObject({
      remoteIdent: "10.32.0.0/255.255.128.0/0/0",
      encaps: 0,
      outboundSpi: "",
      inboundEsp: [],
    });
  });
});

test("IPS-59: the status page says in words whether a tunnel works, and what to do", () => {
  const health = { tunnel: "t", since: 5, monitor: "up", uncovered: [] } as const;
  const rows = statusRows(
    [
      { ...SSG, health: { ...health, state: "up", reason: "SA up" } },
      { ...PIX, health: { ...health, state: "down", reason: "the pre-shared keys differ" } },
      { ...PIX, health: { ...health, state: "unverified", reason: "up but passes nothing" } },
    ],
    () => "set the same key at both ends",
  );
  expect(rows.map(({ works, text, advice }) => [works, text, advice])).toEqual([
    ["yes", "traffic passes, encrypted", ""],
    ["no", "the pre-shared keys differ", "set the same key at both ends"],
    ["not sure", "up but passes nothing", "set the same key at both ends"],
  ]);
});
