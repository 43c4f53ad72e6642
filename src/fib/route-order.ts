/** In which order two MAC/IP routes stand when nothing else tells them apart. */
import type { RouteTable } from "../bgp/rib/index.js";
import { readU8 } from "../util/bytes.js";

/** Offsets in the NLRI. */
const ESI = 10;
const TAG = 20;
const IP_BITS = 31;
const IP = 32;

/** By the octets of their keys: RD, tag, MAC, IP. Label and ESI are not part of them. */
export function compareRoutes(routes: RouteTable, a: number, b: number): number {
  const bytes = routes.nlriBytes;
  const atA = routes.destNlri(a);
  const atB = routes.destNlri(b);
  for (let i = 2; i < ESI; i++) {
    const order = readU8(bytes, atA + i) - readU8(bytes, atB + i);
    if (order !== 0) return order;
  }
  const bits = readU8(bytes, atA + IP_BITS) - readU8(bytes, atB + IP_BITS);
  if (bits !== 0) return bits;
  const end = IP + (readU8(bytes, atA + IP_BITS) >>> 3);
  for (let i = TAG; i < end; i++) {
    const order = readU8(bytes, atA + i) - readU8(bytes, atB + i);
    if (order !== 0) return order;
  }
  return 0;
}
