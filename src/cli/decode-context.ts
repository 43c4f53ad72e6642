/** What both OPENs of a captured connection agreed on: the messages behind them need it to be read. */
import { familyOf } from "../fast-bgp-codec/family.js";
import { openAs } from "../fast-bgp-codec/open.js";
import type { Capability, Open } from "../fast-bgp-codec/open.js";
import type { MessageContext } from "../fast-bgp-codec/message.js";

interface Ends {
  forward?: Open;
  backward?: Open;
}

const SEND = 2;
const RECEIVE = 1;

export class ConnectionContexts {
  private readonly base: Partial<MessageContext>;
  private readonly ends = new Map<string, Ends>();

  /** @param base what the user said; it wins */
  constructor(base: Partial<MessageContext>) {
    this.base = base;
  }

  learn(connection: string, forward: boolean, open: Open): void {
    const known = this.ends.get(connection) ?? {};
    if (forward) known.forward = open;
    else known.backward = open;
    this.ends.set(connection, known);
  }

  /** For a message of that direction. Without both OPENs: 4-octet AS, and whatever length. */
  of(connection: string, forward: boolean): Partial<MessageContext> {
    const known = this.ends.get(connection);
    const sender = forward ? known?.forward : known?.backward;
    const receiver = forward ? known?.backward : known?.forward;
    if (sender === undefined || receiver === undefined) return { maxLength: 65535, ...this.base };
    const both = (code: number) => has(sender, code) && has(receiver, code);
    return {
      as4: both(65),
      ibgp: openAs(sender) === openAs(receiver),
      maxLength: has(receiver, 6) ? 65535 : 4096,
      addPath: families(sender, SEND) & families(receiver, RECEIVE),
      ...this.base,
    };
  }
}

function has(open: Open, code: number): boolean {
  return open.capabilities.some((capability) => capability.code === code);
}

/** Families of the ADD-PATH capability with that bit, as a mask over `Family`. */
function families(open: Open, bit: number): number {
  let mask = 0;
  for (const entry of addPath(open.capabilities)) {
    const family = familyOf(entry.afi, entry.safi);
    if (family !== undefined && (entry.sendReceive & bit) !== 0) mask |= 1 << family;
  }
  return mask;
}

function addPath(capabilities: readonly Capability[]) {
  return capabilities.flatMap((item) => (item.name === "add-path" ? item.families : []));
}
