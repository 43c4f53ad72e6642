/**
 * Queues of the interfaces that have a rate: htb with a class for what is normal and a slow one for what was
 * lowered, told apart by the priority that the rules set, so that no filter is needed. Two classes an interface:
 * thousands of them load slowly, which is why flows are policed by the rules instead.
 *
 * A queue of somebody else's is not replaced.
 */
import { GatewayError } from "./error.js";
import { CLASS_LOWERED, CLASS_NORMAL, QDISC } from "./names.js";
import type { Tc } from "./nft.js";
import type { GatewayRules } from "./settings.js";

export interface ShapeSpec {
  readonly name: string;
  readonly rate: number;
  readonly slow: number;
  readonly slowBurst: number;
}

export function shapesOf({ interfaces, lower }: GatewayRules): ShapeSpec[] {
  return interfaces.flatMap(({ name, rate }) =>
    rate === undefined
      ? []
      : [{ name, rate, slow: Math.min(lower.rate, rate), slowBurst: lower.burst }],
  );
}

/** Packets that wait in the slow class: as many as leave it within a second or so. */
const SLOW_QUEUE = 64;
/** A timer of the kernel's may be late by this much, which the burst makes up for; milliseconds. */
const LATENESS = 4;
const LEAST_BURST = 16_384;

/** What `tc -batch` is given for one interface. */
export function shapeScript({ name, rate, slow, slowBurst }: ShapeSpec): string {
  const burst = Math.max(LEAST_BURST, Math.ceil((rate / 8000) * LATENESS));
  const parent = `${QDISC}:1`;
  const whole = `rate ${rate}bit ceil ${rate}bit burst ${burst} cburst ${burst} quantum 60000`;
  const rest = Math.max(8, rate - slow);
  return [
    `qdisc replace dev ${name} root handle ${QDISC}: htb default 10`,
    `class replace dev ${name} parent ${QDISC}: classid ${parent} htb ${whole}`,
    `class replace dev ${name} parent ${parent} classid ${CLASS_NORMAL} htb rate ${rest}bit ceil ${rate}bit ` +
      `burst ${burst} cburst ${burst} prio 0 quantum 60000`,
    `class replace dev ${name} parent ${parent} classid ${CLASS_LOWERED} htb rate ${slow}bit ceil ${slow}bit ` +
      `burst ${slowBurst} cburst ${slowBurst} prio 7 quantum 1514`,
    `qdisc replace dev ${name} parent ${CLASS_LOWERED} handle a5e2: pfifo limit ${SLOW_QUEUE}`,
    "",
  ].join("\n");
}

export interface ShapeState {
  readonly kind: "ours" | "none" | "foreign";
  /** Of a foreign one: `htb 1:`. */
  readonly text: string;
}

export class Shaper {
  private readonly tc: Tc;
  /** What each interface has from us. */
  private readonly done = new Map<string, string>();

  constructor(tc: Tc) {
    this.tc = tc;
  }

  /** Interfaces that have their queues. */
  get shaped(): string[] {
    return [...this.done.keys()].sort();
  }

  /**
   * Gives these interfaces their queues, and takes them from those that had one and are not named any more.
   * @returns what is wrong, a sentence for each interface that has none
   */
  async apply(specs: readonly ShapeSpec[]): Promise<string[]> {
    const problems: string[] = [];
    for (const name of this.shaped) {
      if (!specs.some((spec) => spec.name === name)) await this.remove(name, problems);
    }
    for (const spec of specs) {
      const script = shapeScript(spec);
      try {
        const state = await this.look(spec.name);
        if (state.kind === "foreign") {
          this.done.delete(spec.name);
          problems.push(
            `${spec.name} has a queue of somebody else's (${state.text}): delete it, or give the interface no rate`,
          );
          continue;
        }
        if (state.kind === "ours" && this.done.get(spec.name) === script) continue;
        // Anew from the ground: what an earlier life left may differ anywhere.
        if (state.kind === "ours") await this.tc(["qdisc", "del", "dev", spec.name, "root"], "");
        await this.load(spec.name, script);
        this.done.set(spec.name, script);
      } catch (error) {
        this.done.delete(spec.name);
        problems.push(`${spec.name} is not shaped: ${sentence(error)}`);
      }
    }
    return problems;
  }

  /** @param names also interfaces that an earlier life may have shaped */
  async removeAll(names: readonly string[]): Promise<string[]> {
    const problems: string[] = [];
    for (const name of new Set([...names, ...this.shaped])) await this.remove(name, problems);
    return problems;
  }

  /** All of it or nothing: a batch that tc gives up halfway leaves a queue whose classes are not there. */
  private async load(name: string, script: string): Promise<void> {
    try {
      await this.tc(["-batch", "-"], script);
    } catch (error) {
      await this.remove(name, []);
      throw error;
    }
  }

  private async remove(name: string, problems: string[]): Promise<void> {
    this.done.delete(name);
    try {
      const { kind } = await this.look(name);
      if (kind === "ours") await this.tc(["qdisc", "del", "dev", name, "root"], "");
    } catch (error) {
      // An interface that is gone has taken its queue along.
      if (!/Cannot find device/.test(sentence(error))) {
        problems.push(`${name} is still shaped: ${sentence(error)}`);
      }
    }
  }

  private async look(name: string): Promise<ShapeState> {
    const text = await this.tc(["-j", "qdisc", "show", "dev", name], "");
    return shapeState(text);
  }
}

interface TcQdisc {
  readonly kind: string;
  readonly handle: string;
  readonly root?: boolean;
}

/** The kernel's own queues have handle 0; what somebody chose has another. */
export function shapeState(text: string): ShapeState {
  const qdiscs = text.trim() === "" ? [] : (JSON.parse(text) as readonly TcQdisc[]);
  const root = qdiscs.find((one) => one.root === true);
  if (root === undefined || root.handle === "0:") return { kind: "none", text: "" };
  if (root.handle === `${QDISC}:` && root.kind === "htb") return { kind: "ours", text: "" };
  return { kind: "foreign", text: `${root.kind} ${root.handle}` };
}

function sentence(error: unknown): string {
  return error instanceof GatewayError || error instanceof Error ? error.message : String(error);
}
