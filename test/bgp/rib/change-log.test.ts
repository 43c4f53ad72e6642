/** The log by itself, and under sessions when its positions pass the ends of 31 and 32 bits. */
import { describe, expect, it } from "vitest";
import { HIGH_WATER } from "../../../src/bgp/adj-rib-out/cursor.js";
import { ChangeLog } from "../../../src/bgp/rib/change-log.js";
import { hexOf } from "../../model/lib/hex.js";
import { Random } from "../../model/lib/random.js";
import { mac, marked, Tables } from "../lib/tables.js";

const CHUNK_BYTES = 8192 * 4;
const STARTS = [0, 1, 8191, 2 ** 31 - 5000, 2 ** 32 - 5000, 2 ** 33 + 7];

describe("the change log", () => {
  for (const start of STARTS) {
    it(`keeps entries from where it was trimmed to its end, from ${start} on`, () => {
      const log = new ChangeLog(start);
      const random = new Random(3);
      const model: number[] = [];
      let head = 0;
      for (let step = 0; step < 200; step++) {
        for (let n = random.below(200); n > 0; n--) {
          if (log.append(step + 1, step) !== start + model.length) throw new Error("a gap");
          model.push(step + 1);
        }
        head += random.below(Math.min(400, model.length - head + 1));
        log.trim(start + head);
        expect([log.head, log.tail]).toEqual([start + head, start + model.length]);
        for (let n = 0; n < 2 && head < model.length; n++) {
          const at = head + random.below(model.length - head);
          expect(log.at(start + at)).toBe(model[at]);
          // Times are those of chunks: at most the entry's own.
          expect(log.timeOf(start + at)).toBeLessThan(model[at] ?? 0);
        }
        expect(log.usedBytes).toBeLessThanOrEqual(
          (Math.ceil((model.length - head) / 8192) + 1) * CHUNK_BYTES,
        );
      }
    });
  }

  it("is empty after it was trimmed at the border of a chunk, and goes on", () => {
    const log = new ChangeLog();
    for (let n = 0; n < 16_384; n++) log.append(n, n);
    log.trim(16_384);
    expect(log.usedBytes).toBe(0);
    expect(log.append(5, 99)).toBe(16_384);
    expect([log.at(16_384), log.timeOf(16_384)]).toEqual([5, 99]);
  });
});

describe("sessions on a log", () => {
  for (const start of [2 ** 31 - 3000, 2 ** 32 - 3000]) {
    it(`get the last state and exact withdrawals when positions pass ${start + 3000}`, () => {
      const tables = new Tables(true, start);
      const { table, clock } = tables;
      const random = new Random(5);
      const source = tables.source();
      const fast = tables.receiver();
      const slow = tables.receiver();
      const has = [new Map<string, string>(), new Map<string, string>()];
      const model = new Map<string, string>();
      const read = (): void => {
        [fast, slow].forEach(({ outlet }, i) => {
          for (const received of outlet.take()) {
            if (received.kind === "announce")
              for (const route of received.routes) has[i]!.set(route.nlri, received.text.slice(-8));
            if (received.kind === "withdraw")
              for (const key of received.keys) {
                const nlri = [...has[i]!.keys()].find((one) => tables.sameKey(one, key));
                expect(nlri).toBeDefined();
                has[i]!.delete(nlri!);
              }
          }
        });
      };
      for (let step = 0; step < 1500; step++) {
        for (let n = 0; n < 5; n++) {
          const nlri = mac(random.below(300));
          if (random.oneIn(3)) {
            tables.withdraw(source, nlri);
            model.delete(nlri);
          } else {
            const mark = random.below(1000);
            tables.announce(source, nlri, marked(mark));
            model.set(nlri, hexOf(mark, 4));
          }
        }
        if (random.oneIn(40)) slow.outlet.pendingBytes = HIGH_WATER + 1;
        if (random.oneIn(40)) slow.outlet.pendingBytes = 0;
        clock.advance(random.below(40));
        table.nowMs = clock.now();
        tables.out.run(random.below(2) * 10);
        read();
      }
      slow.outlet.pendingBytes = 0;
      tables.run();
      read();
      expect(table.log.tail).toBeGreaterThan(start + 4000);
      for (const one of has) expect(sorted(one)).toEqual(sorted(model));
      expect(table.tombstones).toBe(0);
    });
  }
});

function sorted(map: ReadonlyMap<string, string>): [string, string][] {
  return [...map].sort();
}
