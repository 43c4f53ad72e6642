/** KEEPALIVE never varies (RFC 4271 section 4.4): one constant. Nobody may write into it. */
import { frame } from "./header.js";
import { MessageType } from "./iana.js";
import { NO_DATA } from "./fault.js";

export const KEEPALIVE: Uint8Array = frame(MessageType.Keepalive, NO_DATA);
