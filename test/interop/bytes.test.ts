/**
 * Every well-formed EVPN UPDATE of the vectors through a running evpnd: what comes out is what went
 * in, but for ORIGINATOR_ID and CLUSTER_LIST. And speakers without 4-octet AS numbers on either side.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { loadVectors } from "../fast-bgp-codec/vectors.js";
import { Evpnd } from "./lib/evpnd.js";
import { Lab } from "./lib/lab.js";
import {
  announce,
  attribute,
  imet,
  ip4,
  mac,
  macIp,
  multiprotocol,
  rd,
  u16,
  u32,
  update,
  reach,
  ORIGIN,
  LOCAL_PREF,
} from "./lib/messages.js";
import { differences } from "./lib/reflected.js";
import { SpeakerClient } from "./lib/speaker-client.js";
import type { SpeakerOptions } from "./lib/speaker-client.js";
import { describeInterop, showLogsOnFailure } from "./lib/suite.js";
import { waitFor, waitQuiet } from "./lib/wait.js";
import { bytesOf, EVPN, messageType, MessageType, WireTable } from "./lib/wire.js";

const RR = "10.99.0.254";
const SENDER = "10.99.0.1";
const OLD = "10.99.0.2";
const RECEIVER = "10.99.0.3";
const OPAQUE = "10.99.0.4";
const CONFIG = `
as: 65000
router-id: ${RR}
listen: ["${RR}:179"]
http: { listen: off }
peers:
  - { address: ${OPAQUE}, client: true, passive: true, evpn-unknown-types: reflect }
dynamic-peers:
  - { prefix: 10.99.0.0/24, client: true }
`;

const usable = loadVectors("hand-wellformed").filter(({ name, hex, context }) => {
  return (
    name.startsWith("evpn-") &&
    // Without LOCAL_PREF: not for an iBGP session.
    !name.includes("ebgp") &&
    messageType(bytesOf(hex)) === MessageType.Update &&
    context?.addPath !== true &&
    context?.as4 !== false
  );
});

describeInterop("bytes through the reflector", [], () => {
  let lab: Lab;

  beforeAll(async () => {
    lab = new Lab();
    lab.namespace("lo", ["10.99.0.1/16"]);
    await Evpnd.start({ lab, label: "lo", address: RR, config: CONFIG });
  });
  afterAll(() => lab.close());
  beforeEach(() => {
    showLogsOnFailure(() => lab);
  });

  function up(localAddress: string, more: Partial<SpeakerOptions> = {}): Promise<SpeakerClient> {
    return SpeakerClient.up({ lab, label: "lo", localAddress, remoteAddress: RR, ...more });
  }

  test("every vector comes out as it went in", async () => {
    // One vector has LLGR_STALE: only a speaker with capabilities 64 and 71 may have it (RFC 9494 section 4.3).
    const restart = [
      [64, "0000"],
      [71, "00194600000000"],
    ] as const;
    const capabilities = [multiprotocol(EVPN), [65, u32(65000)] as const, ...restart];
    const [receiver, sender] = [await up(RECEIVER, { capabilities }), await up(SENDER)];
    const sent = new WireTable();
    const wrong: string[] = [];
    let probe = 0;
    for (const { name, hex } of usable) {
      const update = sent.apply(bytesOf(hex));
      // Behind each vector a route of its own: when it is there, the vector is through.
      probe += 1;
      const nlri = macIp({ rd: rd(SENDER, 1), mac: mac(9, probe), label: 1 });
      sender.sendHex(hex);
      sender.send(announce(EVPN, ip4(SENDER), nlri));
      await receiver.waitRoute(EVPN, nlri);
      for (const route of update.announced) {
        if (route.nlri.startsWith("c8")) continue;
        const how = { originator: ip4(SENDER), cluster: ip4(RR) };
        const list = differences(route, receiver.table.get(route.family, route.nlri), how);
        wrong.push(...list.map((text) => `${name}: ${text}`));
      }
      for (const gone of update.withdrawn) {
        if (
          sent.get(gone.family, gone.nlri) === undefined &&
          receiver.table.get(gone.family, gone.nlri)
        ) {
          wrong.push(`${name}: ${gone.nlri} not withdrawn`);
        }
      }
    }
    expect(wrong).toEqual([]);
    expect(usable.length).toBeGreaterThan(60);
    expect([sender.closed, receiver.closed]).toEqual([false, false]);
    sender.close();
    receiver.close();
  });

  test("an unknown route type passes where the operator says so, and is dropped where not", async () => {
    const receiver = await up("10.99.0.5");
    const [plain, opaque] = [await up("10.99.0.6"), await up(OPAQUE)];
    const [dropped, passed] = ["c80401020304", "c80405060708"];
    plain.send(announce(EVPN, ip4(SENDER), dropped + imet(rd(SENDER, 2), ip4(SENDER))));
    opaque.send(announce(EVPN, ip4(OPAQUE), passed));
    await receiver.waitRoute(EVPN, imet(rd(SENDER, 2), ip4(SENDER)));
    expect(receiver.table.get(EVPN, dropped)).toBeUndefined();
    // The receiver's own setting counts too: it may not be one that can bear the type.
    const bearing = await waitFor("the opaque route, or its absence", async () => {
      await waitQuiet("the receiver", () => receiver.updates.length, 300);
      return { held: receiver.table.get(EVPN, passed) };
    });
    expect(bearing.held?.nlri).toBe(passed);
  });

  test("AS numbers beyond two octets survive speakers that know only two (RFC 6793)", async () => {
    const two: Partial<SpeakerOptions> = { capabilities: [multiprotocol(EVPN), [2, ""]] };
    const [old, oldReceiver, receiver] = [
      await up(OLD, two),
      await up("10.99.0.7", two),
      await up("10.99.0.8"),
    ];
    const nlri = macIp({ rd: rd(OLD, 1), mac: mac(2, 1), label: 1 });
    const path = attribute(0x40, 2, `0203${u16(65001)}${u16(23456)}${u16(65003)}`);
    const path4 = attribute(0xc0, 17, `0202${u32(4200000001)}${u32(65003)}`);
    old.send(update(reach(EVPN, ip4(OLD), nlri) + ORIGIN + path + LOCAL_PREF + path4));
    const got = await receiver.waitRoute(EVPN, nlri);
    expect(got.attributes.get(2)?.value).toBe(`0203${u32(65001)}${u32(4200000001)}${u32(65003)}`);
    expect(got.attributes.has(17)).toBe(false);
    const again = await oldReceiver.waitRoute(EVPN, nlri);
    expect(again.attributes.get(2)?.value).toBe(`0203${u16(65001)}${u16(23456)}${u16(65003)}`);
    expect(again.attributes.get(17)?.value.slice(-20)).toContain(u32(65003));
    expect(again.attributes.get(17)?.value).toContain(u32(4200000001));
  });
});
