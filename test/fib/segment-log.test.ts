import { describe, expect, it } from "vitest";
import { SegmentLog } from "../../src/fib/segment-log.js";
import type { Log } from "../../src/util/log.js";
import { silentLog } from "../../src/util/log.js";
import { Fabric } from "./lib/fabric.js";
import { ethernetAd, macIp, MAX_ET } from "./lib/route.js";

const ESI = "00112233445566778899";
const PER_ES = ethernetAd("10.0.0.1:0", ESI, MAX_ET, 0);
const ATTR = { nextHop: "10.0.0.1", targets: ["65000:1"] };

describe("the log of a segment", () => {
  it("has one line for a PE that leaves, whatever its MACs, and one a minute", () => {
    const fabric = new Fabric();
    const lines: object[] = [];
    const log: Log = { ...silentLog, warn: (fields: object) => lines.push(fields) };
    const segments = new SegmentLog(log, fabric.clock);
    fabric.fib.ads.onLeft = (segment, pe, macs) =>
      segments.left(fabric.fib.tables, segment, pe, macs);
    for (let n = 10; n < 60; n++) {
      const mac = `02:00:00:00:00:${n}`;
      fabric.announce(1, macIp({ rd: "10.0.0.1:1", mac, esi: ESI }), ATTR);
    }
    const flap = (): void => {
      fabric.announce(1, PER_ES, ATTR).read();
      fabric.withdraw(1, PER_ES).read();
    };
    flap();
    const line = { esi: "00:11:22:33:44:55:66:77:88:99", pe: "10.0.0.1", macs: 50 };
    expect(lines).toEqual([line]);
    flap();
    flap();
    expect(lines).toHaveLength(1);
    fabric.clock.pass(60_000);
    flap();
    expect(lines).toEqual([line, { ...line, suppressed: 2 }]);
  });
});
