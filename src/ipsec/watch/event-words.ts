/** What the IKE daemon tells, as lines of the event log. */
import type { DaemonEvent, LogEvent } from "../live/event.js";
import type { ChildSa, IkeSa } from "../live/sa.js";
import type { TunnelSide } from "../model/index.js";
import type { NewEvent } from "./event-log.js";

/** None for what is not worth a line. */
export function eventOf(event: DaemonEvent, side: TunnelSide | undefined): NewEvent | undefined {
  switch (event.kind) {
    case "ike-up":
      return line(side, event.sa, "key install", `${phase1Name(event.sa)} completion`);
    case "ike-down":
      return line(side, event.sa, "key delete", "phase 1 SA deleted");
    case "ike-rekeyed":
      return line(side, event.sa, "key install", "phase 1 renewed");
    case "child-up":
      return line(
        side,
        event.sa,
        "key install",
        `${phase2Name(event.sa)} completion; ${subnets(event.child)}`,
      );
    case "child-down":
      return line(side, event.sa, "key delete", `phase 2 SA deleted; ${subnets(event.child)}`);
    case "child-rekeyed":
      return line(side, event.sa, "key install", `phase 2 renewed; ${subnets(event.child)}`);
    case "log":
      return ofLog(event, side);
  }
}

function phase1Name({ version }: IkeSa): string {
  return version === 1 ? "main mode" : "IKE_SA_INIT and IKE_AUTH";
}

function phase2Name({ version }: IkeSa): string {
  return version === 1 ? "quick mode" : "CHILD_SA";
}

/** Both ends' subnets, and the SPIs by which packets are told. */
function subnets(child: ChildSa): string {
  const ids = `subnet ids ${child.localSelectors.join(" ")} and ${child.remoteSelectors.join(" ")}`;
  return child.spiIn === "" ? ids : `${ids}, SPI in ${child.spiIn} out ${child.spiOut}`;
}

function line(side: TunnelSide | undefined, sa: IkeSa, action: string, info: string): NewEvent {
  return {
    tunnel: side?.tunnel ?? sa.connection,
    interface: side?.outgoingInterface ?? "",
    origin: side?.local.name ?? "",
    type: "log",
    action,
    source: sa.localHost,
    destination: sa.remoteHost,
    info,
  };
}

/** Log lines that are events: a word of the daemon's, and how the log says it. */
const LINES: readonly (readonly [RegExp, string, string])[] = [
  [/INITIAL_CONTACT|N\(INIT_CONTACT\)/, "negotiation", "initial contact received"],
  [/^received DELETE for (?:IKE_SA|CHILD_SA|ESP)/, "key delete", "the peer deletes an SA"],
  [/^received .*RESPONDER_LIFETIME|N\(RESP_LIFE\)/, "negotiation", "responder lifetime received"],
];

function ofLog({ text, connection }: LogEvent, side: TunnelSide | undefined): NewEvent | undefined {
  const received = text.startsWith("parsed ") || text.startsWith("received ");
  const found = received ? LINES.find(([pattern]) => pattern.test(text)) : undefined;
  if (found === undefined) return undefined;
  return {
    tunnel: side?.tunnel ?? connection ?? "",
    interface: side?.outgoingInterface ?? "",
    origin: side?.local.name ?? "",
    type: "log",
    action: found[1],
    source: addressText(side, "remote"),
    destination: addressText(side, "local"),
    info: found[2],
  };
}

export function addressText(side: TunnelSide | undefined, which: "local" | "remote"): string {
  const reach = side?.[which].reach;
  if (reach === undefined) return "";
  if (reach.kind === "static") return reach.address;
  return reach.kind === "host" ? reach.name : reach.kind;
}
