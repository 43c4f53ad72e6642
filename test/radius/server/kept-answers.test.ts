/** RAD-55: kept answers beside a map, on random histories: what is found, forgotten, counted and given back. */
import { expect, test } from "vitest";
import { KeptAnswers } from "../../../src/radius/server/kept-answers.js";
import { Random } from "../../model/lib/random.js";

const packet = (identifier: number, authenticator: number, length: number): Uint8Array => {
  const bytes = new Uint8Array(length).fill(authenticator + identifier);
  bytes.set([2, identifier, length >> 8, length & 255]);
  return bytes;
};

test("RAD-55: kept answers are what a map would have kept", () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = new Random(seed);
    // Two origins: neither sees the other's, though they share memory.
    const origins = [0, 1].map(() => ({
      kept: new KeptAnswers(),
      model: new Map<number, { request: Uint8Array; answer: Uint8Array; at: number }>(),
    }));
    for (let now = 0; now < 600; now++) {
      const one = origins[random.below(2)];
      if (one === undefined) continue;
      const { kept, model } = one;
      const identifier = random.below(5);
      const request = packet(identifier, random.below(3), 40);
      switch (random.below(5)) {
        case 0:
          kept.forget(identifier);
          model.delete(identifier);
          break;
        case 1: {
          const before = now - random.below(100);
          kept.forgetUntil(before);
          for (const [key, { at }] of model) if (at <= before) model.delete(key);
          break;
        }
        case 2:
        case 3: {
          const answer = packet(
            identifier,
            random.below(200),
            20 + random.below(random.oneIn(9) ? 4077 : 300),
          );
          kept.keep(request, answer, now);
          model.set(identifier, { request, answer, at: now });
          break;
        }
        default: {
          const known = model.get(identifier);
          const same = known !== undefined && Buffer.compare(known.request, request) === 0;
          expect(kept.find(request)).toEqual(same ? Buffer.from(known.answer) : undefined);
          expect(kept.keptAt(identifier)).toBe(known?.at ?? Infinity);
        }
      }
      expect(kept.size).toBe(model.size);
    }
  }
});

test("RAD-64: beyond its memory an answer is not kept, and what the identifier had is gone", () => {
  const kept = new KeptAnswers();
  const [request, next] = [packet(7, 1, 40), packet(7, 2, 40)];
  kept.keep(request, packet(7, 9, 100), 1);
  expect(kept.find(request)).toHaveLength(100);
  kept.keep(next, packet(7, 9, 100), 2, 0);
  expect([kept.find(request), kept.find(next), kept.size]).toEqual([undefined, undefined, 0]);
});
