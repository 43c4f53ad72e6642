/** Two connections made one: what either says goes to the other, and the end of one is the end of both. */
import type { Duplex } from "node:stream";

/** Octets that were read are delivered before the end; an error ends both at once. `ended` is called once. */
export function joinStreams(one: Duplex, other: Duplex, ended: () => void): void {
  let open = 2;
  const follow = (from: Duplex, to: Duplex): void => {
    from.pipe(to);
    from.on("error", () => to.destroy());
    from.on("close", () => {
      // After an orderly end `pipe` has ended the other side; else it would never hear of it.
      if (!from.readableEnded) to.destroy();
      open -= 1;
      if (open === 0) ended();
    });
  };
  follow(one, other);
  follow(other, one);
}
