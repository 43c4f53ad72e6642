/** Options that change under a live session: what follows in the table. */
import { expect, test, vi } from "vitest";
import type { OutRouteLimit } from "../../../src/bgp/limits/settings.js";
import type { PeerOptions } from "../../../src/bgp/settings.js";
import { Family } from "../../../src/fast-bgp-codec/family.js";
import { evpnUpdate, Speaker, type Line } from "../lib/speaker.js";
import { mac } from "../lib/tables.js";

const ROUTES = 25_000;
const PER_MESSAGE = 100;

/** New options, as a reload gives them. */
function change(speaker: Speaker, line: Line, over: Partial<PeerOptions>): void {
  const before = line.session.options;
  Object.assign(line.session, { options: { ...before, ...over } });
  expect(speaker.reflector.reconfigured(line.session, before)).toBeUndefined();
}

function filled(): { speaker: Speaker; line: Line } {
  const speaker = new Speaker();
  const line = speaker.up();
  for (let first = 0; first < ROUTES; first += PER_MESSAGE) {
    line.say(evpnUpdate(Array.from({ length: PER_MESSAGE }, (_, n) => mac(first + n + 1))));
  }
  speaker.run();
  return { speaker, line };
}

test("what is accepted no more is looked for and goes in slices", () => {
  const { speaker, line } = filled();
  const { table } = speaker.reflector;
  const looked = vi.spyOn(table, "routeType");
  change(speaker, line, { evpnTypesIn: [3] });
  for (let left = ROUTES; left > 0; left = table.pathCount) {
    expect(looked.mock.calls.length).toBeLessThan(ROUTES / 2);
    looked.mockClear();
    speaker.queue.runOnce();
    if (speaker.queue.length === 0) speaker.clock.advance(2);
  }
  speaker.run();
  expect(speaker.reflector.audit()).toEqual([]);
});

test("a peer that goes meanwhile leaves its routes to those who remove them", () => {
  const { speaker, line } = filled();
  change(speaker, line, { evpnTypesIn: [3] });
  speaker.queue.runOnce();
  line.down();
  speaker.run();
  expect(speaker.reflector.table.pathCount).toBe(0);
  expect(speaker.reflector.audit()).toEqual([]);
});

test("what routes sent are limited to is counted again only when the limits change", () => {
  const { speaker } = filled();
  const out: OutRouteLimit[] = [
    {
      family: Family.Evpn,
      routeType: 2,
      perVni: true,
      maximum: 2 * ROUTES,
      warnAt: 0,
      action: "withhold",
    },
  ];
  const limited = speaker.up({ limits: { out } });
  speaker.run();
  const counted = vi.spyOn(speaker.reflector.out, "countKind");
  change(speaker, limited, { evpnTypesOut: [2] });
  expect(counted).not.toHaveBeenCalled();
  const { limits } = limited.session.options;
  const lower = { ...limits, out: out.map((limit) => ({ ...limit, maximum: ROUTES })) };
  change(speaker, limited, { limits: lower });
  expect(counted).toHaveBeenCalledOnce();
});
