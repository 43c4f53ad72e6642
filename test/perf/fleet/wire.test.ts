/** What the churn tool sends, read by the codec: two programs that share no code agree on the octets. */
import { expect, test } from "vitest";
import { decodeMessage } from "../../../src/fast-bgp-codec/index.js";
import { Universe } from "../../../perf/fleet/universe.js";
import {
  buildOpen,
  ByteSink,
  CEASE,
  END_OF_RIB,
  KEEPALIVE,
  ROUTE_REFRESH,
  UpdateWriter,
} from "../../../perf/fleet/wire.js";

const universe = new Universe({
  peers: 2,
  routes: 4,
  senders: 1,
  vnis: 1,
  nlriPerUpdate: 10,
  attrSets: 2,
  macIpShare: 0.5,
  sharedRd: false,
  as: 65000,
});
const writer = new UpdateWriter(universe);

test("an announcement with mobility, and its withdraw", () => {
  const sink = new ByteSink();
  writer.announce(sink, 1, 7, Int32Array.of(0, 1), 0, 2, 0x00010002);
  const announced = JSON.stringify(decodeMessage(sink.take()));
  for (const part of [
    "10.100.0.2:0",
    "02:00:00:00:00:00",
    "02:00:00:00:00:01",
    "10.0.0.1",
    "10000",
  ])
    expect(announced).toContain(part);
  expect(announced).toContain("seq=7");
  writer.withdraw(sink, 1, Int32Array.of(0, 1), 0, 2);
  const withdrawn = JSON.stringify(decodeMessage(sink.take()));
  expect(withdrawn).toContain("02:00:00:00:00:01");
});

test("no message has a fault", () => {
  const sink = new ByteSink();
  writer.announceAll(sink, 0, universe.homeOf(0));
  const open = { as: 4_200_000_000, holdTime: 90, routerId: 0x0a640001 };
  const messages = [
    buildOpen({ ...open, enhancedRefresh: true, extendedMessage: true }),
    buildOpen({ ...open, enhancedRefresh: false, extendedMessage: false }),
    ...[KEEPALIVE, END_OF_RIB, ROUTE_REFRESH, CEASE, sink.take()],
  ];
  for (const message of messages) {
    const decoded = decodeMessage(message);
    expect(decoded.message).not.toBe("INVALID");
    expect(decoded).not.toHaveProperty("outcome");
  }
});
