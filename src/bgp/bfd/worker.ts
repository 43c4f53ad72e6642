/**
 * Entry of the BFD thread: an engine between its sockets and the message port. It has an event loop
 * and a heap of its own, so that neither work on the table nor its garbage delays a packet.
 */
import { randomInt } from "node:crypto";
import { parentPort, workerData } from "node:worker_threads";
import { systemClock } from "../../util/clock.js";
import { BfdEngine } from "./engine.js";
import type { BfdCommand, BfdReport } from "./messages.js";
import { loadRawUdp } from "./raw-udp.js";
import { UdpNetwork, type BfdPorts } from "./sockets.js";

export interface BfdWorkerData {
  readonly ports: BfdPorts;
}

if (parentPort !== null) serve(parentPort, workerData as BfdWorkerData);

function serve(port: NonNullable<typeof parentPort>, { ports }: BfdWorkerData): void {
  const report = (message: BfdReport): void => {
    port.postMessage(message);
    if (message.kind === "stopped") port.close();
  };
  const network = new UdpNetwork({
    ports,
    raw: loadRawUdp(),
    random: Math.random,
    received: (bytes, from, multihop) => engine.receive(bytes, from, multihop),
    problem: (peer, text) => report({ kind: "problem", peer, text }),
  });
  const engine: BfdEngine = new BfdEngine({
    clock: systemClock,
    random: Math.random,
    discriminator: () => randomInt(1, 2 ** 32),
    // From a timer the first setImmediate comes after a poll phase, from elsewhere it may not.
    afterPoll: (check) => setImmediate(() => setImmediate(check)),
    network,
    report,
  });
  port.on("message", (command: BfdCommand) => engine.command(command));
}
