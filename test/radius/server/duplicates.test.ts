/** RAD-55: the duplicate cache beside a slow and obvious model of RFC 5080 section 2.2.2, on random histories. */
import { expect, test } from "vitest";
import { imbalance } from "../../../src/radius/statistics/counters.js";
import { Random } from "../../model/lib/random.js";
import {
  Core,
  CORE_CACHE_MS,
  CORE_CLIENT_SECRET,
  CORE_HOME_SECRET,
  CORE_TIMEOUT_MS,
} from "../lib/core.js";
import { Code, Hop, ownAccess, ownAnswerTo, STATIONS, Type } from "../lib/own-packets.js";

const client = new Hop(CORE_CLIENT_SECRET);
const server = new Hop(CORE_HOME_SECRET);

/** What is known of one source port and identifier. */
interface Entry {
  readonly authenticator: number;
  /** Index of the forwarded request. */
  readonly forwarded: number;
  readonly forwardedAt: number;
  answer: Uint8Array | undefined;
  answeredAt: number;
}

/** What must happen to a request: one of these, always. */
type Outcome = "forwarded" | "discarded" | "cached" | "refused";

class Model {
  readonly entries = new Map<string, Entry>();

  /** Time has passed. */
  forget(now: number): void {
    for (const [key, { answer, answeredAt, forwardedAt }] of this.entries) {
      const over =
        answer === undefined
          ? now - forwardedAt >= CORE_TIMEOUT_MS
          : now - answeredAt >= CORE_CACHE_MS;
      if (over) this.entries.delete(key);
    }
  }

  outcome(key: string, authenticator: number, good: boolean): Outcome {
    if (!good) return "refused";
    const known = this.entries.get(key);
    if (known?.authenticator !== authenticator) return "forwarded";
    return known.answer === undefined ? "discarded" : "cached";
  }
}

test("RAD-55: thousands of random histories: forwarded, discarded, answered from the cache or refused as the model says", () => {
  for (let seed = 1; seed <= 400; seed++) {
    const random = new Random(seed);
    const core = new Core();
    const model = new Model();
    let superseded = 0;
    for (let step = 0; step < 120; step++) {
      const port = random.below(2);
      const identifier = random.below(3);
      const authenticator = random.below(3);
      const key = `${port} ${identifier}`;
      switch (random.below(6)) {
        case 0: {
          // Whoever answers, answers one of the requests that went out; late answers included.
          if (core.toHome.length === 0) break;
          const index = random.below(core.toHome.length);
          const sent = core.toHome[index];
          if (sent === undefined) break;
          const before = core.toClient.length;
          core.heard(ownAnswerTo(server, sent.bytes, Code.AccessAccept), sent.port);
          const entry = [...model.entries.values()].find((one) => one.forwarded === index);
          const due = entry !== undefined && entry.answer === undefined;
          expect(core.toClient.length - before).toBe(due ? 1 : 0);
          if (due) {
            entry.answer = core.toClient.at(-1);
            entry.answeredAt = core.clock.now();
          }
          break;
        }
        case 1:
          core.advance(random.below(400));
          if (random.oneIn(5)) core.advance(CORE_CACHE_MS);
          model.forget(core.clock.now());
          break;
        default: {
          const good = !random.oneIn(6);
          const packet = ownAccess(
            good ? client : new Hop("somebody else"),
            [[Type.UserName, "bob"], ...STATIONS],
            { identifier, authenticator },
          );
          const expected = model.outcome(key, authenticator, good);
          const [toHome, toClient] = [core.toHome.length, core.toClient.length];
          const before = { ...core.counters };
          core.take(packet, port);
          const known = model.entries.get(key);
          if (expected === "forwarded") {
            if (known !== undefined && known.answer === undefined) superseded++;
            expect(core.toHome.length).toBe(toHome + 1);
            model.entries.set(key, {
              ...{ authenticator, forwarded: toHome, forwardedAt: core.clock.now() },
              ...{ answer: undefined, answeredAt: 0 },
            });
          } else if (expected === "cached") {
            expect(core.counters.cachedAnswers).toBe(before.cachedAnswers + 1);
            expect(core.toClient.slice(toClient)).toEqual([known?.answer]);
            expect(core.toHome.length).toBe(toHome);
          } else if (expected === "discarded") {
            expect(core.counters.duplicates).toBe(before.duplicates + 1);
            expect(core.toClient.length).toBe(toClient);
            // A repeat that goes on is the same octets as before.
            for (const { bytes } of core.toHome.slice(toHome))
              expect(bytes).toEqual(core.toHome[known?.forwarded ?? -1]?.bytes);
            core.toHome.length = toHome;
          } else {
            expect(core.counters.badAuthenticators).toBe(before.badAuthenticators + 1);
            expect(core.toHome.length).toBe(toHome);
          }
        }
      }
      expect(imbalance(core.counters)).toBe(0);
    }
    expect(core.counters.superseded).toBe(superseded);
  }
});
