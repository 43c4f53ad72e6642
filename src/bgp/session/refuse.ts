/** Sends away a connection that gets no session: Cease with a subcode, then close (RFC 4486). */
import { encodeNotification } from "../../fast-bgp-codec/notification.js";
import type { Connection } from "./types.js";

const LINGER_MS = 1000;

export function refuse(connection: Connection, subcode: number): void {
  connection.onBytes = (_bytes, start, end) => end - start;
  connection.onClosed = () => {};
  connection.write(encodeNotification({ code: 6, subcode, data: new Uint8Array(0) }));
  connection.end(LINGER_MS);
}
