/**
 * One TCP connection inside a channel between two agents: plain octets on one side, sealed frames on the other.
 * A frame that does not open ends it; so does an end that was not announced, because it could be a cut.
 */
import { Transform } from "node:stream";
import type { Socket } from "node:net";
import type { TransformCallback } from "node:stream";
import type { Channel } from "../../protocol/channel.js";
import { FRAME_LIMIT, FrameReader } from "../../protocol/frame.js";

/** @param ended called once, with what was wrong, or undefined */
export function carry(
  plain: Socket,
  sealed: Socket,
  channel: Channel,
  ended: (trouble: string | undefined) => void,
): void {
  let trouble: string | undefined;
  let open = 2;
  let announced = false;
  const outward = new Transform({
    transform(octets: Buffer, _encoding, done: TransformCallback) {
      done(null, channel.seal(octets));
    },
    flush(done) {
      done(null, channel.end());
    },
  });
  const reader = new FrameReader(FRAME_LIMIT);
  const inward = new Transform({
    transform(octets: Buffer, _encoding, done: TransformCallback) {
      const read = reader.push(octets, (frame) => {
        const item = channel.open(frame);
        if (!item.ok) {
          trouble = item.sentence;
          return false;
        }
        if (item.value.kind === "data") this.push(item.value.octets);
        else announced = true;
        return true;
      });
      if (!read.ok) trouble = read.sentence;
      done(trouble === undefined ? null : new Error(trouble));
    },
    flush(done) {
      if (!announced) trouble ??= "the connection was cut";
      done(announced ? null : new Error(trouble));
    },
  });
  const fail = (): void => {
    plain.resetAndDestroy();
    sealed.destroy();
  };
  inward.on("error", fail);
  outward.on("error", fail);
  for (const socket of [plain, sealed]) {
    socket.on("error", fail);
    socket.once("close", () => {
      open -= 1;
      if (open > 0) {
        // An orderly end closes the other side by itself; anything else must.
        if (!socket.readableEnded) fail();
        return;
      }
      ended(trouble);
    });
  }
  plain.pipe(outward).pipe(sealed);
  sealed.pipe(inward).pipe(plain);
}
