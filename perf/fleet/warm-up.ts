/**
 * Lets the compiler see the receiving code before the clock starts, so that a measurement is about
 * the target and not about the generator's first hundred milliseconds.
 */
import { Board } from "./board.js";
import { Receiver } from "./receiver.js";
import { Universe } from "./universe.js";
import { ByteSink, HEADER, UpdateWriter } from "./wire.js";

const ROUTES = 4000;
const ROUNDS = 12;

export function warmUp(): void {
  const universe = new Universe({
    peers: 3,
    routes: ROUTES,
    senders: 0,
    vnis: 10,
    nlriPerUpdate: 10,
    attrSets: 1,
    macIpShare: 0.5,
    sharedRd: false,
    as: 65000,
  });
  const writer = new UpdateWriter(universe);
  const sink = new ByteSink();
  const one = new Int32Array(1);
  for (let peer = 0; peer < 2; peer++) writer.announceAll(sink, peer, universe.homeOf(peer));
  for (let index = 0; index < ROUTES / 3; index++) {
    one[0] = index;
    writer.announce(sink, 1, 1, one, 0, 1);
    writer.withdraw(sink, 0, one, 0, 1);
  }
  const view = new DataView(sink.bytes.buffer);
  for (let round = 0; round < ROUNDS; round++) {
    const receiver = new Receiver(2, new Board(ROUTES, false));
    for (let at = 0; at < sink.length;) {
      const next = at + view.getUint16(at + HEADER - 3);
      receiver.update(view, at, next, 0);
      at = next;
    }
  }
}
