/** Two BFD engines on one wire and one clock; what one sends the other hears a moment later, unless the wire is cut. */
import { BfdEngine, type BfdSender } from "../../../../src/bgp/bfd/engine.js";
import type { BfdReport, BfdSnapshot, BfdSpec } from "../../../../src/bgp/bfd/messages.js";
import { FakeClock } from "../../session/harness.js";

export const LEFT = "10.0.0.1";
export const RIGHT = "10.0.0.2";

export function spec(peer: string, over: Partial<BfdSpec> = {}): BfdSpec {
  return {
    peer,
    localAddress: peer === LEFT ? RIGHT : LEFT,
    multihop: false,
    passive: false,
    minTx: 50_000,
    minRx: 50_000,
    multiplier: 3,
    auth: undefined,
    ...over,
  };
}

export class Side {
  readonly address: string;
  readonly reports: BfdReport[] = [];
  readonly engine: BfdEngine;
  readonly sent: Uint8Array[] = [];
  /** Kinds of listeners it has, "single 4". */
  readonly ears = new Set<string>();
  cut = false;
  private inbox: { bytes: Uint8Array; from: string; multihop: boolean }[] = [];
  private discriminators = 0;

  constructor(address: string, clock: FakeClock, far: () => Side) {
    this.address = address;
    this.engine = new BfdEngine({
      clock,
      // The slowest that jitter allows.
      random: () => 0.999,
      discriminator: () => ++this.discriminators * 256 + Number(address.at(-1)),
      afterPoll: clock.afterPoll,
      network: {
        ttlChecked: true,
        listen: (multihop, ipv6) =>
          void this.ears.add(`${multihop ? "multi" : "single"} ${ipv6 ? 6 : 4}`),
        deafen: () => this.ears.clear(),
        sender: ({ multihop }): BfdSender => ({
          send: (bytes) => {
            this.sent.push(bytes);
            if (!this.cut) far().inbox.push({ bytes, from: address, multihop });
          },
          close: () => undefined,
        }),
      },
      report: (report) => this.reports.push(report),
    });
  }

  deliver(): void {
    const { inbox } = this;
    this.inbox = [];
    for (const { bytes, from, multihop } of inbox) this.engine.receive(bytes, from, multihop);
  }

  session(): BfdSnapshot {
    this.engine.command({ kind: "snapshot", request: 1 });
    const report = this.reports.pop();
    if (report?.kind !== "snapshot") throw new Error("no snapshot");
    return report.sessions[0]!;
  }

  /** Causes of the ends told so far. */
  get downs(): (string | undefined)[] {
    return this.reports
      .filter((report) => report.kind === "state")
      .filter(({ cause }) => cause !== undefined)
      .map(({ cause }) => cause);
  }
}

export class Pair {
  readonly clock = new FakeClock();
  readonly left: Side = new Side(LEFT, this.clock, () => this.right);
  readonly right: Side = new Side(RIGHT, this.clock, () => this.left);

  readonly deliver = (): void => {
    this.left.deliver();
    this.right.deliver();
  };

  run(milliseconds: number): void {
    this.clock.advance(milliseconds, this.deliver);
  }

  /** Both want each other, and a few seconds pass. */
  up(left: Partial<BfdSpec> = {}, right: Partial<BfdSpec> = {}): void {
    this.left.engine.command({ kind: "set", spec: spec(RIGHT, left) });
    this.right.engine.command({ kind: "set", spec: spec(LEFT, right) });
    this.run(5000);
  }
}
