/**
 * A command to one FRR daemon over the socket on which it listens for vtysh, without the process: the tests look
 * at routers many times a second. A command ends with a zero octet; the answer with three of them and a code.
 */
import { connect } from "node:net";
import { join } from "node:path";

/** Octets behind every answer: three zeros, and 0 = it was done. */
const TRAILER = 4;
const PATIENCE = 60_000;

/**
 * @param directory where the daemon has its sockets
 * @param daemon "bgpd", "zebra"
 */
export function askDaemon(directory: string, daemon: string, line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path: join(directory, `${daemon}.vty`) });
    const chunks: Buffer[] = [];
    const fail = (why: string): void => {
      socket.destroy();
      reject(new Error(`${daemon}, ${line}: ${why}`));
    };
    socket.setTimeout(PATIENCE, () => fail(`no answer within ${String(PATIENCE)} ms`));
    socket.on("connect", () => socket.write(`${line}\0`));
    socket.on("data", (chunk) => {
      chunks.push(chunk);
      const last = Buffer.concat(chunks.slice(-TRAILER)).subarray(-TRAILER);
      if (last.length < TRAILER || last.readUIntBE(0, 3) !== 0) return;
      const text = Buffer.concat(chunks).subarray(0, -TRAILER).toString();
      if (last[3] === 0) {
        socket.destroy();
        resolve(text);
      } else fail(`${text.trim()} (${String(last[3])})`);
    });
    socket.on("error", (error) => fail(error.message));
    socket.on("close", () => fail("it hung up"));
  });
}
