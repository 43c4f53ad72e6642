/** What evpnd asks other reflectors for in its own name (RFC 4684). */
import { describe, expect, it } from "vitest";
import { Family } from "../../src/fast-bgp-codec/family.js";
import { Code, find } from "../model/lib/attributes.js";
import { hexOf } from "../model/lib/hex.js";
import { maskOf } from "../model/lib/peer.js";
import { evpn, rd } from "../model/lib/nlri.js";
import { guard, required } from "./lib/gatekeeper.js";
import { evpnUpdate, Speaker, update, type Line } from "./lib/speaker.js";
import { attribute, PLAIN } from "./lib/tables.js";

const RTC = maskOf(Family.Evpn, Family.RouteTarget);
const AS = hexOf(65000, 4);
const rt = (number: number): string => `0002fde8${hexOf(number, 4)}`;
const membership = (number: number): string => `60${AS}${rt(number)}`;
const ES_IMPORT = "060202aabbccddee";
const segment = evpn(4, `${rd(9)}01aabbccddee01000700200a000001`);
const DEFAULT = "00";
const LINGER = 60_000;

class Asked {
  private readonly held = new Set<string>();
  readonly line: Line;
  constructor(line: Line) {
    this.line = line;
  }
  /** Memberships held, by what is in their key. */
  get nlri(): string[] {
    for (const received of this.line.take()) {
      if (received.kind === "announce") {
        for (const { key } of received.routes) this.held.add(key);
      } else if (received.kind === "withdraw")
        for (const key of received.keys) this.held.delete(key);
    }
    return [...this.held].map((key) => key.replace(/^\D*\d+\W/, "")).sort();
  }
}

function start() {
  const speaker = new Speaker();
  const other = new Asked(speaker.up({ kind: "non-client", families: RTC }));
  const after = (milliseconds: number): void => {
    speaker.run();
    speaker.clock.advance(milliseconds);
    speaker.run();
  };
  after(1);
  return { speaker, other, after };
}

const asks = (...list: string[]): string[] => list.sort();

describe("memberships of our own", () => {
  it("are none without peers that want something", () => {
    expect(start().other.nlri).toEqual([]);
  });

  it("ASM-03: are none for a client that is not trusted, nor for what it announces, until it is", () => {
    const { speaker, other, after } = start();
    const { gate } = guard(speaker);
    const address = "10.0.0.66";
    const client = speaker.up({ address, id: 66, trust: required() });
    client.say(evpnUpdate([segment], PLAIN + attribute(16, 0xc0, ES_IMPORT)));
    after(1);
    expect(other.nlri).toEqual([]);
    gate.set(address, "trusted");
    after(1);
    expect(other.nlri).toEqual([DEFAULT]);
    gate.set(address, "untrusted");
    after(1);
    after(LINGER);
    after(LINGER);
    expect(other.nlri).toEqual([]);
  });

  it("are the default for a client that says nothing, and go a minute after it", () => {
    const { speaker, other, after } = start();
    const client = speaker.up();
    after(1);
    expect(other.nlri).toHaveLength(1);
    client.down();
    after(LINGER / 2);
    const again = speaker.up();
    after(LINGER);
    expect(other.nlri).toHaveLength(1);
    again.down();
    after(LINGER + 1000);
    after(1);
    expect(other.nlri).toEqual([]);
    expect(speaker.reflector.audit()).toEqual([]);
  });

  it("are the targets of lists, and the Ethernet segments of clients", () => {
    const { speaker, other, after } = start();
    const first = speaker.up({ interest: { targets: [rt(1), rt(2)] } });
    speaker.up({ interest: { targets: [rt(2), rt(3)] } });
    after(1);
    const lists = [membership(1), membership(2), membership(3)];
    expect(other.nlri).toEqual(asks(...lists));
    first.say(evpnUpdate([segment], PLAIN + attribute(16, 0xc0, ES_IMPORT)));
    after(3000);
    expect(other.nlri).toEqual(asks(...lists, `60${AS}${ES_IMPORT}`));
    // Whoever wants everything makes the rest superfluous.
    speaker.up();
    after(LINGER + 1000);
    after(1);
    expect(other.nlri).toEqual(asks(DEFAULT));
  });

  it("do not come back to clients, nor speak for those that ask themselves", () => {
    const { speaker, other, after } = start();
    const client = new Asked(speaker.up({ families: RTC }));
    after(1);
    expect(other.nlri).toEqual([]);
    expect(client.nlri).toEqual(asks(DEFAULT));
    client.line.say(update("", PLAIN + attribute(14, 0x80, `000184040a00000100${membership(7)}`)));
    speaker.up();
    after(1);
    expect(other.nlri).toEqual(asks(DEFAULT, membership(7)));
    expect(client.nlri).toEqual(asks(DEFAULT));
  });

  it("are the default alone, once, for a peer that takes no more", () => {
    const { speaker, other, after } = start();
    const simple = new Asked(
      speaker.up({ kind: "non-client", families: RTC, interest: { defaultMembership: true } }),
    );
    speaker.up({ interest: { targets: [rt(1)] } });
    speaker.up();
    after(1);
    expect(simple.nlri).toEqual(asks(DEFAULT));
    other.line.down();
    after(1);
    expect(simple.line.take()).toEqual([]);
  });

  it("carry neither ORIGINATOR_ID nor CLUSTER_LIST, and our address as next hop", () => {
    const { speaker, other, after } = start();
    speaker.up();
    after(1);
    const [received] = other.line.take().filter(({ kind }) => kind === "announce");
    if (received?.kind !== "announce") throw new Error("nothing was announced");
    expect(find(received.attributes, Code.OriginatorId)).toBeUndefined();
    expect(find(received.attributes, Code.ClusterList)).toBeUndefined();
    expect(received.routes[0]?.nextHop).toBe("0a6300fe");
  });
});
