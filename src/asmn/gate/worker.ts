/** The thread that reads the feeds: TLS, signatures and the disk are here, and never on the thread of BGP. */
import { parentPort, workerData } from "node:worker_threads";
import { systemClock } from "../../util/clock.js";
import { FeedDesk } from "./feed-desk.js";
import { GateFiles } from "./memory.js";
import type { FeedCommand, FeedReport, FeedThreadData } from "./thread.js";

const port = parentPort!;
const { settings, identity, stateDirectory } = workerData as FeedThreadData;
const report = (one: FeedReport): void => port.postMessage(one);

const desk = new FeedDesk(
  {
    identity,
    files: new GateFiles(stateDirectory),
    clock: systemClock,
    tell: (events) => report({ kind: "events", events }),
  },
  settings,
);
desk.configure(settings);

port.on("message", (command: FeedCommand) => {
  switch (command.kind) {
    case "configure":
      return desk.configure(command.settings);
    case "local":
      return desk.connectLocal(command.port);
    case "applied":
      return desk.applied(command.source, command.revocation);
    case "glass":
      return report({
        kind: "glass",
        call: command.call,
        why: desk.breakGlass(command.document),
      });
    case "close":
      desk.close();
      report({ kind: "closed" });
      port.close();
  }
});
