/** The thread that reads the feeds: TLS, signatures and the disk are here, and never on the thread of BGP. */
import { parentPort, workerData } from "node:worker_threads";
import { systemClock } from "../../util/clock.js";
import { serveThread, type Served } from "../../util/thread-service.js";
import { GateError } from "./control.js";
import type { GateEvent } from "./entry.js";
import { FeedDesk } from "./feed-desk.js";
import { GateFileError, GateFiles } from "./memory.js";
import type { FeedDoor, FeedNote, FeedThreadData } from "./thread.js";

type Tell = (events: readonly GateEvent[]) => void;

if (parentPort !== null) {
  void serveThread<undefined, FeedNote, readonly GateEvent[]>(
    parentPort,
    GateError,
    async ({ note }) => Promise.resolve(begun(workerData as FeedThreadData, note)),
  );
}

function begun(data: FeedThreadData, tell: Tell): Served<undefined, FeedNote> {
  const desk = deskOf(data, tell);
  desk.configure(data.settings);
  const door: FeedDoor = {
    breakGlass: (document) => Promise.resolve(desk.breakGlass(document)),
    stop: () => Promise.resolve(desk.close()),
  };
  const onNote = (note: FeedNote): void => {
    switch (note.kind) {
      case "configure":
        return desk.configure(note.settings);
      case "local":
        return desk.connectLocal(note.port);
      case "applied":
        return desk.applied(note.source, note.revocation);
      case "glass-ended":
        return desk.glassEnded(note.keys);
    }
  };
  return { door, told: undefined, onNote };
}

function deskOf({ settings, identity, stateDirectory }: FeedThreadData, tell: Tell): FeedDesk {
  try {
    const files = new GateFiles(stateDirectory);
    return new FeedDesk({ identity, files, clock: systemClock, tell }, settings);
  } catch (error) {
    if (error instanceof GateFileError) throw new GateError("refused", error.message);
    throw error;
  }
}
