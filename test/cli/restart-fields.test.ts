/** What `show summary` and `show peer` say about restarts. */
import { expect, test } from "vitest";
import { restartFields, restartingLine } from "../../src/cli/restart-fields.js";
import type { RestartAnswer } from "../../src/cli/wire.js";

const NOTHING: RestartAnswer = {
  agreed: undefined,
  retention: undefined,
  waitingForMemberships: [],
  waitingForRestart: [],
};

/** Lines that are shown. */
function shown(answer: RestartAnswer | undefined): string[] {
  return restartFields(answer).flatMap(([title, text]) =>
    text === undefined ? [] : [`${title}: ${text}`],
  );
}

test("whom evpnd waits for after its restart: five by name, the rest by number", () => {
  expect(restartingLine(undefined)).toBeUndefined();
  const waitingFor = ["10.0.0.1", "10.0.0.2"];
  expect(restartingLine({ secondsLeft: 7, waitingFor })).toBe(
    "sending waits for End-of-RIB of 10.0.0.1, 10.0.0.2, at most 7 s more",
  );
  const many = Array.from({ length: 9 }, (_, index) => `10.0.0.${String(index + 1)}`);
  expect(restartingLine({ secondsLeft: 7, waitingFor: many })).toContain("10.0.0.5 and 4 more");
});

test("a peer without graceful restart has no lines, as one of an older evpnd", () => {
  expect(shown(NOTHING)).toEqual([]);
  expect(shown(undefined)).toEqual([]);
});

test("what was agreed, what is kept and what is held back", () => {
  expect(
    shown({
      agreed: {
        restartTime: 120,
        restarting: true,
        notification: true,
        families: ["l2vpn-evpn"],
        longLived: [{ family: "l2vpn-evpn", staleTime: 600 }],
      },
      retention: {
        state: "resynchronizing",
        secondsSinceLoss: 9,
        families: [{ family: "l2vpn-evpn", phase: "stale", staleRoutes: 3, secondsLeft: 350 }],
      },
      waitingForMemberships: ["l2vpn-evpn"],
      waitingForRestart: ["ipv4-unicast"],
    }),
  ).toEqual([
    "Restart: wants l2vpn-evpn kept for 120 s, l2vpn-evpn long-lived for 600 s, notification mode, has restarted",
    "Kept: lost 9 s ago, it is back and its End-of-RIB is waited for",
    "Stale: l2vpn-evpn: 3 stale routes, at most 350 s more",
    "Not sent yet: l2vpn-evpn: waiting for its memberships; ipv4-unicast: evpnd has restarted and waits for its peers",
  ]);
});

test("a helper, and a peer that is away", () => {
  const lines = shown({
    ...NOTHING,
    agreed: {
      restartTime: 0,
      restarting: false,
      notification: false,
      families: [],
      longLived: [],
    },
    retention: { state: "restarting", secondsSinceLoss: 4, families: [] },
  });
  expect(lines).toEqual([
    "Restart: helper only, keeps nothing of its own",
    "Kept: lost 4 s ago, its return is waited for",
  ]);
});
