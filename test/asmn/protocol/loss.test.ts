/**
 * Anything may be lost, doubled, reordered or replayed, and either side may die at each point of storing: no
 * counter goes back, nobody is trusted without a whole step, and an honest agent is never locked out
 * (docs/asmn-protocol.md, "A lost message, or a death, at any point"). EVPND_FUZZ_STEPS makes it longer.
 */
import { expect, test } from "vitest";
import type { AgentMessage } from "../../../src/asmn/protocol/index.js";
import { Dice } from "./lib/random.js";
import { Connection, Died, enrolled, NAMES, Vnf, World } from "./lib/world.js";
import type { Registered, Side, StoreHooks } from "./lib/world.js";

const STEPS = Number(process.env["EVPND_FUZZ_STEPS"] ?? 100);

interface Recorded {
  readonly from: Side;
  readonly message: AgentMessage;
}

function faultyStore(dice: Dice): StoreHooks {
  return {
    before() {
      if (dice.chance(12)) throw new Died();
      if (dice.chance(12)) throw new Error("ENOSPC");
    },
    after() {
      if (dice.chance(12)) throw new Died();
    },
  };
}

class Storm {
  readonly world: World;
  readonly vnf: Vnf;
  readonly entry: Registered;
  private readonly dice: Dice;
  private readonly recorded: Recorded[] = [];
  private highest = 0;
  private attempt = 0;
  private counter = 0;

  constructor(seed: number, world: World, vnf: Vnf, entry: Registered) {
    this.dice = new Dice(seed);
    this.world = world;
    this.vnf = vnf;
    this.entry = entry;
  }

  async step(): Promise<void> {
    const { dice, world, vnf } = this;
    world.hooks = vnf.hooks = dice.chance(2) ? faultyStore(dice) : CALM;
    const connection = new Connection(world, vnf);
    if (dice.chance(2)) connection.meddle = (from, message) => this.meddle(from, message);
    await connection.run();
    while (!connection.closed && dice.chance(2)) await connection.renew();
    this.check();
  }

  /** Nothing is in the way any more: the next step must hold. */
  async calm(): Promise<void> {
    const { world, vnf } = this;
    world.hooks = vnf.hooks = CALM;
    const before = world.events.length;
    const connection = await new Connection(world, vnf).run();
    const kinds = world.events.slice(before).map(({ kind }) => kind);
    expect(kinds, JSON.stringify(connection.seen.at(-1))).toEqual(["trusted"]);
    this.check();
  }

  private meddle(from: Side, message: AgentMessage): readonly AgentMessage[] {
    const { dice } = this;
    this.recorded.push({ from, message });
    if (this.recorded.length > 200) this.recorded.shift();
    switch (dice.roll(10)) {
      case 0:
        return [];
      case 1:
        return [message, message];
      case 2: {
        const old = dice.pick(this.recorded.filter((one) => one.from === from));
        return [old.message];
      }
      case 3: {
        const old = dice.pick(this.recorded.filter((one) => one.from === from));
        return [old.message, message];
      }
      default:
        return [message];
    }
  }

  private check(): void {
    const chain = this.world.chain(this.entry);
    expect(chain.stopped).toBeUndefined();
    expect(chain.highest).toBeGreaterThanOrEqual(this.highest);
    const { attempt, chain: own } = this.vnf.state;
    expect(attempt).toBeGreaterThanOrEqual(this.attempt);
    expect(attempt).toBeGreaterThanOrEqual(chain.highest);
    expect(own?.counter ?? 0).toBeGreaterThanOrEqual(this.counter);
    // The agent is never ahead of what the Sec-EM knows, and the Sec-EM never forgets what the agent has.
    if (own !== undefined) {
      const known = [chain.confirmed, chain.pending].map((link) => link?.counter);
      expect(known).toContain(own.counter);
    }
    this.highest = chain.highest;
    this.attempt = attempt;
    this.counter = own?.counter ?? 0;
  }
}

const CALM: StoreHooks = { before: () => undefined, after: () => undefined };

test("ASM-61, ASM-62: renewals in a storm: no counter goes back, nobody is locked out", async () => {
  const { world, vnf, entry } = await enrolled("storm");
  const storm = new Storm(1, world, vnf, entry);
  for (let step = 0; step < STEPS; step++) {
    await storm.step();
    if (step % 5 === 4) await storm.calm();
  }
});

test("ASM-74, ASM-61: enrolments in a storm: a token enrols its instance in the end, once", async () => {
  for (let seed = 1; seed <= STEPS / 10; seed++) {
    const world = new World(`enrol ${seed}`);
    const { token, entry } = world.issue(NAMES);
    const vnf = new Vnf(NAMES, token);
    const storm = new Storm(seed, world, vnf, entry);
    for (let n = 0; n < 5; n++) await storm.step();
    await storm.calm();
  }
});
