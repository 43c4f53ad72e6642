/** Reads one frame from a paused stream and not an octet more: what follows is not messages. */
import type { Duplex } from "node:stream";
import { readU32 } from "../../util/bytes.js";
import { VERSION } from "../protocol/frame.js";
import type { Frame } from "../protocol/frame.js";

const LENGTH = 4;

/** Rejects with an Error that says what came instead, in time `timeoutMs`. */
export function readFirstFrame(stream: Duplex, most: number, timeoutMs: number): Promise<Frame> {
  return new Promise((resolve, reject) => {
    let length: number | undefined;
    const settle = (act: () => void): void => {
      clearTimeout(timer);
      stream.off("readable", look).off("close", closed).off("end", closed).off("error", closed);
      act();
    };
    const fail = (why: string): void => settle(() => reject(new Error(why)));
    const closed = (): void => fail("closed before it said anything");
    const timer = setTimeout(() => fail("said nothing in time"), timeoutMs);
    const look = (): void => {
      if (length === undefined) {
        const head = stream.read(LENGTH) as Buffer | null;
        if (head === null) return;
        length = readU32(head, 0);
        if (head.length < LENGTH || length < 2 || length > most) return fail("sent no frame");
      }
      const rest = stream.read(length) as Buffer | null;
      if (rest === null) return;
      if (rest.length < length || rest[0] !== VERSION) return fail("sent no frame");
      const frame = { type: rest[1] ?? 0, body: new Uint8Array(rest.subarray(2)) };
      settle(() => resolve(frame));
    };
    stream.on("readable", look);
    stream.once("close", closed).once("end", closed).once("error", closed);
    look();
  });
}
