/** Everything that can be wrong with a datagram, and the counter that says so. */
import { describe, expect, test } from "vitest";
import {
  homeServerImbalance,
  imbalance,
  type HomeServerCounters,
  type ListenerCounters,
} from "../../src/radius/statistics/counters.js";
import { Core, CORE_CLIENT_SECRET, CORE_HOME_SECRET } from "./lib/core.js";
import {
  Code,
  findAttribute,
  Hop,
  ownAccess,
  ownAccounting,
  ownAnswerTo,
  signAgain,
  STATIONS,
  Type,
  type Pairs,
} from "./lib/own-packets.js";

const client = new Hop(CORE_CLIENT_SECRET);
const server = new Hop(CORE_HOME_SECRET);
const BOB: Pairs = [[Type.UserName, "bob"], ...STATIONS];
const VENDOR = Uint8Array.of(0, 0, 1, 55, 16, 4, 9, 9);

/** A whole request with all kinds of attributes, then changed, then signed anew: only the change is wrong. */
const changed = (change: (packet: Buffer) => Buffer | undefined, pairs: Pairs = BOB): Buffer => {
  const packet = ownAccess(client, pairs, { password: "secret" });
  const result = change(packet) ?? packet;
  signAgain(client, result);
  return result;
};
const at = (packet: Buffer, type: number): number => {
  const found = findAttribute(packet, type);
  if (found === 0) throw new Error(`no attribute ${type}`);
  return found;
};
const lengthOf = (type: number, octets: number) => (packet: Buffer) => {
  packet[at(packet, type) + 1] = octets;
  return undefined;
};
const headerLength = (octets: number) => (packet: Buffer) => {
  packet.writeUInt16BE(octets, 2);
  return undefined;
};
const more =
  (...octets: number[]) =>
  (packet: Buffer) => {
    const longer = Buffer.concat([packet, Uint8Array.from(octets)]);
    longer.writeUInt16BE(longer.length, 2);
    return longer;
  };

const MALFORMED: readonly (readonly [name: string, packet: () => Buffer])[] = [
  ["nothing at all", () => Buffer.alloc(0)],
  ["less than a header", () => changed(() => undefined).subarray(0, 19)],
  ["attribute length 0", () => changed(lengthOf(Type.UserName, 0))],
  ["attribute length 1", () => changed(lengthOf(Type.UserName, 1))],
  ["an attribute beyond the packet", () => changed(lengthOf(Type.UserPassword, 255))],
  ["an attribute of one octet at the end", () => changed(more(1))],
  ["packet length below a header", () => changed(headerLength(19))],
  [
    "packet length beyond the datagram",
    () => changed((packet) => headerLength(packet.length + 1)(packet)),
  ],
  [
    "packet length over 4096",
    () => {
      const long = Buffer.alloc(5000, 0x21);
      ownAccess(client, BOB).copy(long);
      long.writeUInt16BE(5000, 2);
      return long;
    },
  ],
  [
    "packet length cuts an attribute",
    () => changed((packet) => headerLength(packet.length - 3)(packet)),
  ],
  ["a vendor attribute of no length", () => changed(more(Type.VendorSpecific, 2))],
  ["a vendor attribute without a vendor", () => changed(more(Type.VendorSpecific, 5, 0, 0, 1))],
  ["two Message-Authenticators", () => changed(more(80, 18, ...new Array<number>(16).fill(0)))],
  [
    "a short Message-Authenticator",
    () => ownAccess(client, [...BOB, [80, "ab"]], { signed: false }),
  ],
  [
    "a password that is no multiple of 16",
    () => ownAccess(client, [...BOB, [Type.UserPassword, Buffer.alloc(15)]]),
  ],
  [
    "two passwords",
    () => ownAccess(client, [...BOB, [Type.UserPassword, Buffer.alloc(16)]], { password: "x" }),
  ],
  [
    "a password and EAP",
    () => ownAccess(client, [...BOB, [Type.EapMessage, Buffer.alloc(5)]], { password: "x" }),
  ],
  ["a short CHAP-Password", () => ownAccess(client, [...BOB, [3, Buffer.alloc(16)]])],
];

describe("from a client", () => {
  test.each(MALFORMED)("RAD-64, RAD-32: %s is malformed, and nothing else", (_name, packet) => {
    const core = new Core();
    core.take(packet());
    expect(core.counters).toMatchObject({ received: 1, malformed: 1, requests: 0, pending: 0 });
    expect(core.toHome).toEqual([]);
    expect(core.toClient).toEqual([]);
    expect(imbalance(core.counters)).toBe(0);
  });

  type Case = readonly [
    string,
    keyof ListenerCounters,
    () => Buffer,
    ("accounting" | "authentication")?,
  ];
  const REFUSED: readonly Case[] = [
    ["a code of nobody", "unexpected", () => changed((packet) => void (packet[0] = 99))],
    ["an answer", "unexpected", () => changed((packet) => void (packet[0] = Code.AccessAccept))],
    ["accounting on the authentication port", "unexpected", () => ownAccounting(client, BOB)],
    [
      "authentication on the accounting port",
      "unexpected",
      () => ownAccess(client, BOB),
      "accounting",
    ],
    ["another secret", "badAuthenticators", () => ownAccess(new Hop("another"), BOB)],
    [
      "accounting with another secret",
      "badAuthenticators",
      () => ownAccounting(new Hop("another"), [...BOB, [40, 1]]),
      "accounting",
    ],
    ["no Message-Authenticator", "unsigned", () => ownAccess(client, BOB, { signed: false })],
    [
      "no Called-Station-Id",
      "invalid",
      () =>
        ownAccess(client, [
          [1, "bob"],
          [31, "02-AA-BB-CC-DD-01"],
        ]),
    ],
    [
      "no Calling-Station-Id",
      "invalid",
      () =>
        ownAccess(client, [
          [1, "bob"],
          [30, "02-00-00-00-00-01"],
        ]),
    ],
    ["accounting without a status", "invalid", () => ownAccounting(client, BOB), "accounting"],
    ["a Stop without stations", "invalid", () => ownAccounting(client, [[40, 2]]), "accounting"],
    ["an On of nobody", "invalid", () => ownAccounting(client, [[40, 7]]), "accounting"],
  ];
  const rows = REFUSED.map(([name, counter, packet, kind]) => ({ name, counter, packet, kind }));
  test.each(rows)(
    "RAD-32, RAD-33: $name counts as $counter, and is not forwarded",
    ({ counter, packet, kind }) => {
      const core = new Core({ kind: kind ?? "authentication" });
      core.take(packet());
      expect(core.counters).toMatchObject({ received: 1, [counter]: 1, pending: 0 });
      expect(core.toHome).toEqual([]);
      expect(core.toClient).toEqual([]);
      expect(imbalance(core.counters)).toBe(0);
    },
  );

  test("RAD-64: octets behind the packet are padding, and EAP in fragments and a vendor's oddities pass as they are", () => {
    const core = new Core();
    const odd: Pairs = [
      ...BOB,
      [Type.EapMessage, Buffer.alloc(253, 7)],
      [Type.EapMessage, Buffer.alloc(253, 8)],
      [Type.EapMessage, Uint8Array.of(9)],
      [Type.VendorSpecific, Uint8Array.of(0, 0, 1, 55, 16, 0, 9)],
      [Type.VendorSpecific, VENDOR],
      [250, new Uint8Array(0)],
    ];
    core.take(Buffer.concat([ownAccess(client, odd), Buffer.alloc(100, 0xee)]));
    const sent = core.toHome[0]?.bytes ?? Buffer.alloc(0);
    const length = ownAccess(client, odd).length + 18;
    expect(sent.length).toBe(length);
    expect(core.counters.pending).toBe(1);
  });
});

describe("a stripped request (BlastRADIUS, CVE-2024-3596)", () => {
  const stripped = (extra: Pairs = []) =>
    ownAccess(client, [...BOB, ...extra], { signed: false, password: "x" });
  const PROXY_STATE: Pairs = [[Type.ProxyState, Buffer.alloc(200, 0x5a)]];
  const EAP: Pairs = [[Type.EapMessage, Buffer.alloc(10)]];

  test("RAD-50: is refused by default", () => {
    const core = new Core();
    core.take(stripped(PROXY_STATE));
    expect(core.counters.unsigned).toBe(1);
    expect(core.toHome).toEqual([]);
  });

  test("RAD-52: with Proxy-State it is refused even where signatures are not required", () => {
    const core = new Core({ client: { requireMessageAuthenticator: "no" } });
    core.take(stripped(PROXY_STATE));
    expect(core.counters.unsigned).toBe(1);
    core.take(stripped());
    expect(core.counters).toMatchObject({ unsigned: 1, pending: 1 });
    const lax = new Core({ client: { requireMessageAuthenticator: "no", limitProxyState: false } });
    lax.take(stripped(PROXY_STATE));
    expect(lax.counters.pending).toBe(1);
  });

  test("RAD-50: a proxy signs always, EAP is signed always, and auto has learned it once", () => {
    const proxy = new Core({ client: { requireMessageAuthenticator: "no", proxy: true } });
    proxy.take(stripped());
    expect(proxy.counters.unsigned).toBe(1);
    const eap = new Core({ client: { requireMessageAuthenticator: "no" } });
    eap.take(ownAccess(client, [...BOB, ...EAP], { signed: false }));
    expect(eap.counters.unsigned).toBe(1);
    const auto = new Core({ client: { requireMessageAuthenticator: "auto" } });
    auto.take(stripped());
    expect(auto.counters.pending).toBe(1);
    auto.take(ownAccess(client, BOB, { identifier: 2, password: "x" }));
    auto.take(ownAccess(client, BOB, { identifier: 3, signed: false, authenticator: 3 }));
    expect(auto.counters).toMatchObject({ unsigned: 1, pending: 2 });
  });

  test("RAD-50: signed as the last attribute is as good, and a copy of one octet more is bad", () => {
    const core = new Core();
    const last = ownAccess(client, BOB, { signedLast: true });
    core.take(last);
    expect(core.counters.pending).toBe(1);
    const forged = Buffer.from(ownAccess(client, BOB, { identifier: 2 }));
    forged[40] = (forged[40] ?? 0) ^ 1;
    core.take(forged);
    expect(core.counters.badAuthenticators).toBe(1);
  });
});

describe("from a home server", () => {
  type Case = readonly [string, keyof HomeServerCounters, (request: Uint8Array) => Buffer];
  const accept = (request: Uint8Array, pairs: Pairs = []) =>
    ownAnswerTo(server, request, Code.AccessAccept, pairs);
  const bent = (change: (packet: Buffer) => void) => (request: Uint8Array) => {
    const packet = accept(request, [[Type.Class, "gold"]]);
    change(packet);
    return packet;
  };
  const WRONG: readonly Case[] = [
    ["an empty datagram", "malformed", () => Buffer.alloc(0)],
    ["attribute length 0", "malformed", bent((packet) => void (packet[39] = 0))],
    ["packet length beyond the datagram", "malformed", bent((packet) => void (packet[2] = 9))],
    [
      "RAD-51: no Message-Authenticator",
      "unsigned",
      (request) => ownAnswerTo(server, request, Code.AccessAccept, [], false),
    ],
    ["one octet changed", "badAuthenticators", bent((packet) => void (packet[41] = 1))],
    [
      "another secret",
      "badAuthenticators",
      (request) => ownAnswerTo(new Hop("x"), request, Code.AccessAccept),
    ],
    [
      "an identifier nobody asked with",
      "unmatched",
      bent((packet) => void (packet[1] = ((packet[1] ?? 0) + 1) & 255)),
    ],
    [
      "an answer to accounting",
      "unmatched",
      (request) => ownAnswerTo(server, request, Code.AccountingResponse),
    ],
    ["a request", "unmatched", bent((packet) => void (packet[0] = Code.AccessRequest))],
    [
      "RAD-53: our Proxy-State missing",
      "unmatched",
      (request) => ownAnswerTo(server, request.subarray(0, -18), Code.AccessAccept),
    ],
    [
      "RAD-53: a Proxy-State behind ours",
      "unmatched",
      (request) => {
        const more = Buffer.concat([request, Uint8Array.of(Type.ProxyState, 3, 1)]);
        return ownAnswerTo(server, more, Code.AccessAccept);
      },
    ],
  ];
  test.each(WRONG)(
    "RAD-33, RAD-64: %s counts as %s; the request waits on",
    (_name, counter, answer) => {
      const core = new Core();
      core.take(ownAccess(client, BOB, { password: "x" }));
      const { port, bytes } = core.toHome[0] ?? { port: undefined, bytes: Buffer.alloc(0) };
      core.heard(answer(bytes), port);
      expect(core.home.counters).toMatchObject({ received: 1, used: 0, [counter]: 1 });
      expect(homeServerImbalance(core.home.counters)).toBe(0);
      expect(core.toClient).toEqual([]);
      expect(core.counters.pending).toBe(1);
      core.heard(accept(bytes), port);
      expect(core.toClient).toHaveLength(1);
      core.heard(accept(bytes), port);
      expect(core.home.counters).toMatchObject({ used: 1, received: 3 });
      expect(core.toClient).toHaveLength(1);
    },
  );
});
