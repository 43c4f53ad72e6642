/** The helper as a state machine: what is kept, until when, and what is done to the table. */
import { describe, expect, test } from "vitest";
import { RetainedPeers } from "../../../src/bgp/restart/retained-peers.js";
import { NEGOTIATED_DEFAULTS, type GracefulRestart } from "../../../src/bgp/session/types.js";
import type { EstablishedSession, SessionDown } from "../../../src/bgp/session/types.js";
import {
  GRACEFUL_RESTART_DEFAULTS,
  type GracefulRestartOptions,
} from "../../../src/bgp/graceful-settings.js";
import { PEER_OPTION_DEFAULTS } from "../../../src/bgp/settings.js";
import { Family, FAMILIES } from "../../../src/fast-bgp-codec/family.js";
import { silentLog } from "../../../src/util/log.js";
import { FakeClock } from "../session/harness.js";

const EVPN = 1 << Family.Evpn;
const IPV4 = 1 << Family.Ipv4Unicast;
const BOTH = EVPN | IPV4;
const ADDRESS = "10.0.0.2";
const SLOT = 3;
const IDENTITY = { kind: 0, routerId: 9, as: 65000 };
const TCP: SessionDown = { reason: "tcp", detail: "" };

interface Word {
  readonly restart?: Partial<GracefulRestart> | undefined;
  readonly longLived?: Readonly<Record<number, number>>;
  readonly longLivedForwarding?: number;
  readonly options?: Partial<GracefulRestartOptions>;
}

type Session = Pick<EstablishedSession, "peerAddress" | "negotiated" | "options">;

/** Both families, with 30 seconds, unless said otherwise. */
function session(word: Word = {}): Session {
  const { longLived } = word;
  const families = Object.keys(longLived ?? {}).reduce((mask, family) => mask | (1 << +family), 0);
  return {
    peerAddress: ADDRESS,
    options: {
      ...PEER_OPTION_DEFAULTS,
      gracefulRestart: {
        ...GRACEFUL_RESTART_DEFAULTS,
        longLived: { ...GRACEFUL_RESTART_DEFAULTS.longLived, enabled: true },
        ...word.options,
      },
    },
    negotiated: {
      ...NEGOTIATED_DEFAULTS,
      families: BOTH,
      gracefulRestart:
        "restart" in word && word.restart === undefined
          ? undefined
          : {
              restarting: false,
              notification: false,
              time: 30,
              families: BOTH,
              forwarding: BOTH,
              ...word.restart,
            },
      longLived:
        longLived === undefined
          ? undefined
          : {
              families,
              forwarding: word.longLivedForwarding ?? families,
              times: FAMILIES.map(({ family }) => longLived[family] ?? 0),
            },
    },
  };
}

class Bench {
  readonly clock = new FakeClock();
  readonly done: string[] = [];
  readonly retained: RetainedPeers;
  private readonly marks = new Map<Family, number>();
  routes = BOTH;

  constructor() {
    const say = (what: string, family?: Family, mark?: number): void => {
      const name = family === undefined ? "" : ` ${FAMILIES[family]!.name}`;
      this.done.push(`${what}${name}${mark === undefined ? "" : ` ${String(mark)}`}`);
    };
    this.retained = new RetainedPeers(
      {
        routes: (_slot, family) => ((this.routes & (1 << family)) === 0 ? 0 : 5),
        staleRoutes: () => 5,
        mark: (_slot, family) => {
          const mark = (this.marks.get(family) ?? 0) + 1;
          this.marks.set(family, mark);
          return mark;
        },
        newestMark: (_slot, family) => this.marks.get(family) ?? 0,
        sweep: (_slot, family, mark) => say("sweep", family, mark),
        makeLongLived: (_slot, family) => say("long-lived", family),
        release: (slot) => say(`release ${String(slot)}`),
      },
      this.clock,
      silentLog,
    );
  }

  lost(word?: Word, down = TCP): boolean {
    return this.retained.lost(session(word), SLOT, IDENTITY, down);
  }

  back(word?: Word, identity = IDENTITY): number | undefined {
    return this.retained.returned(session(word), identity);
  }

  after(seconds: number): string[] {
    this.clock.advance(1000 * seconds, () => {});
    return this.done.splice(0);
  }

  phases(): unknown {
    return this.retained
      .view(ADDRESS)
      ?.families.map(({ family, phase, secondsLeft }) => [family, phase, secondsLeft]);
  }
}

describe("a peer that comes back in time", () => {
  test("has its slot again; End-of-RIB of a family sweeps what is stale", () => {
    const bench = new Bench();
    expect(bench.lost()).toBe(true);
    expect(bench.retained.retains(ADDRESS)).toBe(true);
    expect(bench.after(29)).toEqual([]);
    expect(bench.back()).toBe(SLOT);
    expect(bench.retained.view(ADDRESS)?.state).toBe("resynchronizing");
    expect(bench.retained.awaitsEndOfRib(ADDRESS, Family.Evpn)).toBe(true);
    bench.retained.endOfRib(ADDRESS, Family.Evpn);
    expect(bench.done.splice(0)).toEqual(["sweep l2vpn-evpn 1"]);
    expect(bench.retained.awaitsEndOfRib(ADDRESS, Family.Evpn)).toBe(false);
    bench.retained.endOfRib(ADDRESS, Family.Ipv4Unicast);
    expect(bench.done.splice(0)).toEqual(["sweep ipv4-unicast 1"]);
    expect(bench.retained.view(ADDRESS)).toBeUndefined();
    expect(bench.clock.pendingTimers).toBe(0);
  });

  test("without End-of-RIB: the stale time bounds the wait", () => {
    const bench = new Bench();
    bench.lost();
    bench.back({ options: { staleTime: 60 } });
    expect(bench.after(59)).toEqual([]);
    expect(bench.after(1)).toEqual(["sweep ipv4-unicast 1", "sweep l2vpn-evpn 1"]);
    expect(bench.retained.view(ADDRESS)).toBeUndefined();
  });

  test("a family it does not vouch for is swept at once: F clear, not named, no capability", () => {
    for (const restart of [{ forwarding: IPV4 }, { forwarding: IPV4, families: IPV4 }]) {
      const bench = new Bench();
      bench.lost();
      expect(bench.back({ restart })).toBe(SLOT);
      expect(bench.done).toEqual(["sweep l2vpn-evpn 1"]);
      expect(bench.phases()).toMatchObject([["ipv4-unicast", "stale", 360]]);
    }
    const bench = new Bench();
    bench.lost();
    expect(bench.back({ restart: undefined })).toBe(SLOT);
    expect(bench.done).toEqual(["sweep ipv4-unicast 1", "sweep l2vpn-evpn 1"]);
  });

  test("as another speaker: nothing is kept, and it gets a slot of its own", () => {
    const bench = new Bench();
    bench.lost();
    expect(bench.back(undefined, { ...IDENTITY, routerId: 10 })).toBeUndefined();
    expect(bench.done).toEqual([`release ${String(SLOT)}`]);
  });
});

describe("a peer that does not", () => {
  test("loses its routes when its restart time, or our most, is over", () => {
    for (const [word, seconds] of [
      [{}, 30],
      [{ options: { restartTimeMax: 10 } }, 10],
    ] as const) {
      const bench = new Bench();
      bench.lost(word);
      expect(bench.after(seconds - 1)).toEqual([]);
      expect(bench.after(1)).toEqual(["sweep ipv4-unicast 1", `release ${String(SLOT)}`]);
      expect(bench.retained.retains(ADDRESS)).toBe(false);
      expect(bench.back()).toBeUndefined();
      expect(bench.retained.stats.expired).toBe(1);
    }
  });

  test("is given up by somebody's decision", () => {
    const bench = new Bench();
    bench.lost();
    bench.retained.abandon(ADDRESS, "administrative shutdown");
    expect(bench.done).toEqual([`release ${String(SLOT)}`]);
    expect(bench.clock.pendingTimers).toBe(0);
  });
});

describe("what covers a loss", () => {
  const n = { restart: { notification: true } };
  test.each<[string, SessionDown, Word, boolean]>([
    ["TCP", TCP, {}, true],
    ["hold timer", { reason: "hold-timer", detail: "", code: 4, subcode: 0 }, {}, true],
    ["send hold timer", { reason: "send-hold-timer", detail: "" }, {}, true],
    ["replaced", { reason: "replaced", detail: "" }, {}, true],
    ["BFD", { reason: "notification-sent", detail: "", code: 6, subcode: 10 }, {}, true],
    [
      "BFD beside the control plane",
      { reason: "notification-sent", detail: "", code: 6, subcode: 10, hard: true },
      n,
      false,
    ],
    [
      "NOTIFICATION",
      { reason: "notification-received", detail: "", code: 3, subcode: 1 },
      {},
      false,
    ],
    ["the same in mode N", { reason: "notification-received", detail: "", code: 3 }, n, true],
    ["ours in mode N", { reason: "notification-sent", detail: "", code: 3, subcode: 1 }, n, true],
    ["our hard one", { reason: "shutdown", detail: "", code: 6, subcode: 2, hard: true }, n, false],
    ["configuration", { reason: "shutdown", detail: "", code: 6, subcode: 6 }, n, true],
    ["mode off", TCP, { options: { mode: "off" } }, false],
    ["no capability", TCP, { restart: undefined }, false],
    ["no time", TCP, { restart: { time: 0 } }, false],
    ["no family", TCP, { restart: { families: 0 } }, false],
  ])("%s", (_name, down, word, kept) => {
    expect(new Bench().lost(word, down)).toBe(kept);
  });

  test("families without it go at once; a peer without routes is not kept", () => {
    const bench = new Bench();
    expect(bench.lost({ restart: { families: EVPN } })).toBe(true);
    expect(bench.done).toEqual(["sweep ipv4-unicast 1"]);
    const empty = new Bench();
    empty.routes = 0;
    expect(empty.lost()).toBe(false);
    empty.routes = IPV4;
    expect(empty.lost({ restart: { families: EVPN } })).toBe(false);
  });
});

describe("a second restart in the middle", () => {
  test("what was stale before it goes", () => {
    const bench = new Bench();
    bench.lost();
    bench.back();
    bench.retained.endOfRib(ADDRESS, Family.Ipv4Unicast);
    bench.done.length = 0;
    expect(bench.lost()).toBe(true);
    expect(bench.done).toEqual(["sweep l2vpn-evpn 1"]);
    expect(bench.phases()).toEqual([
      ["ipv4-unicast", "stale", 30],
      ["l2vpn-evpn", "stale", 30],
    ]);
  });

  test("not so in notification mode", () => {
    const bench = new Bench();
    const word = { restart: { notification: true } };
    bench.lost(word);
    bench.back(word);
    expect(bench.lost(word)).toBe(true);
    expect(bench.done).toEqual([]);
  });

  test("not for ever, however often it is lost: its first routes have their stale time", () => {
    const bench = new Bench();
    const word = { restart: { notification: true }, options: { staleTime: 60 } };
    bench.lost(word);
    for (let round = 0; round < 3; round++) {
      bench.after(19);
      bench.back(word);
      bench.lost(word);
      expect(bench.done).toEqual([]);
    }
    bench.after(19);
    bench.back(word);
    bench.lost(word);
    // What was stale before this loss goes, and the count begins anew.
    expect(bench.done.splice(0)).toEqual(["sweep ipv4-unicast 4", "sweep l2vpn-evpn 4"]);
    bench.after(19);
    bench.back(word);
    bench.lost(word);
    expect(bench.done).toEqual([]);
  });

  test("one that nothing covers ends all", () => {
    const bench = new Bench();
    bench.lost();
    bench.back();
    expect(bench.lost({}, { reason: "shutdown", detail: "", hard: true })).toBe(false);
    expect(bench.retained.view(ADDRESS)).toBeUndefined();
  });
});

describe("what a reload changes", () => {
  const options = { mode: "off" } as const;

  test("nothing is kept any more for a session that was up", () => {
    const bench = new Bench();
    expect(bench.lost({ options })).toBe(false);
    expect(bench.retained.retains(ADDRESS)).toBe(false);
  });

  test("what is kept already goes when the peer is back, or with its time", () => {
    const bench = new Bench();
    bench.lost();
    bench.back({ options });
    expect(bench.done).toEqual(["sweep ipv4-unicast 1", "sweep l2vpn-evpn 1"]);
  });
});

describe("long-lived", () => {
  const word: Word = { longLived: { [Family.Evpn]: 600 } };

  test("after the restart time, by family; then they go", () => {
    const bench = new Bench();
    bench.lost(word);
    expect(bench.after(30)).toEqual(["sweep ipv4-unicast 1", "long-lived l2vpn-evpn"]);
    expect(bench.retained.isLongLived(ADDRESS, Family.Evpn)).toBe(true);
    expect(bench.phases()).toEqual([["l2vpn-evpn", "long-lived", 600]]);
    expect(bench.after(599)).toEqual([]);
    expect(bench.after(1)).toEqual([`release ${String(SLOT)}`]);
  });

  test("at once without a restart time, and for a family that capability 71 alone names", () => {
    for (const restart of [{ time: 0 }, { families: IPV4 }]) {
      const bench = new Bench();
      expect(bench.lost({ ...word, restart })).toBe(true);
      expect(bench.done).toContain("long-lived l2vpn-evpn");
    }
  });

  test("our most bounds the time; off keeps nothing", () => {
    const bench = new Bench();
    const { longLived } = GRACEFUL_RESTART_DEFAULTS;
    bench.lost({
      ...word,
      options: { longLived: { ...longLived, enabled: true, staleTimeMax: 5 } },
    });
    bench.after(30);
    expect(bench.after(5)).toEqual([`release ${String(SLOT)}`]);
    const off = new Bench();
    off.lost({ ...word, options: { longLived } });
    expect(off.after(30)).toEqual(["sweep ipv4-unicast 1", `release ${String(SLOT)}`]);
  });

  test("the time runs on when the peer is back, and over another loss", () => {
    const bench = new Bench();
    bench.lost(word);
    bench.after(130);
    expect(bench.back(word)).toBe(SLOT);
    expect(bench.phases()).toEqual([["l2vpn-evpn", "long-lived", 500]]);
    bench.after(100);
    bench.lost(word);
    expect(bench.done.splice(0)).toEqual([]);
    bench.after(30);
    expect(bench.phases()).toEqual([["l2vpn-evpn", "long-lived", 400]]);
    bench.back(word);
    bench.retained.endOfRib(ADDRESS, Family.Evpn);
    expect(bench.done.at(-1)).toMatch(/^sweep l2vpn-evpn/);
    bench.lost(word);
    bench.after(30);
    expect(bench.phases()).toEqual([["l2vpn-evpn", "long-lived", 600]]);
  });

  test("the capability's own F bit counts by then", () => {
    const bench = new Bench();
    bench.lost(word);
    bench.after(40);
    bench.back({ ...word, longLivedForwarding: 0 });
    expect(bench.done).toEqual(["sweep l2vpn-evpn 1"]);
  });
});

test("days fit into a timer", () => {
  const bench = new Bench();
  bench.lost({ restart: { time: 4095 }, longLived: { [Family.Evpn]: 0xffffff } });
  expect(bench.after(4095)).toContain("long-lived l2vpn-evpn");
  expect(bench.after(0xfffffe)).toEqual([]);
  expect(bench.after(1)).toEqual([`release ${String(SLOT)}`]);
});
