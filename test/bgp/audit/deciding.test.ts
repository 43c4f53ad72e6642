/** While best paths are decided again, under another rule for mobility, those to come are no faults. */
import { expect, test } from "vitest";
import { hexOf } from "../../model/lib/hex.js";
import { evpnUpdate, Speaker } from "../lib/speaker.js";
import { attribute, EMPTY_PATH, mac, ORIGIN } from "../lib/tables.js";

const moved = (preference: number, sequence: number): string =>
  ORIGIN +
  EMPTY_PATH +
  attribute(5, 0x40, hexOf(preference, 4)) +
  attribute(16, 0xc0, `06000000${hexOf(sequence, 4)}`);

test("an audit meets compare-mobility changing under it", () => {
  const speaker = new Speaker();
  const { reflector } = speaker;
  const [preferred, newer] = [speaker.up(), speaker.up()];
  speaker.up();
  preferred.say(evpnUpdate([mac(1)], moved(200, 1)));
  newer.say(evpnUpdate([mac(1)], moved(100, 2)));
  speaker.run();
  const { changes } = reflector.table.stats;
  for (const compare of [false, true]) {
    reflector.compareMobility(compare);
    expect(reflector.audit()).toEqual([]);
    speaker.run();
    expect(reflector.audit()).toEqual([]);
    expect(reflector.table.deciding).toBe(0);
  }
  expect(reflector.table.stats.changes).toBe(changes + 2);
});
