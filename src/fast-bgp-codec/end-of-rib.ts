/**
 * End-of-RIB (RFC 4724 section 2): an empty UPDATE for IPv4 unicast, an UPDATE with an empty
 * MP_UNREACH_NLRI and nothing else for the other families.
 */
import { writeU16 } from "../util/bytes.js";
import { FAMILIES, Family } from "./family.js";
import { HEADER_LENGTH, writeHeader } from "./header.js";
import { AttributeCode, MessageType } from "./iana.js";

export function encodeEndOfRib(family: Family): Uint8Array {
  if (family === Family.Ipv4Unicast) {
    return writeHeader(new Uint8Array(HEADER_LENGTH + 4), MessageType.Update);
  }
  const spec = FAMILIES.find((row) => row.family === family)!;
  const message = new Uint8Array(HEADER_LENGTH + 10);
  writeU16(message, 21, 6);
  message[23] = 0x80;
  message[24] = AttributeCode.MpUnreachNlri;
  message[25] = 3;
  writeU16(message, 26, spec.afi);
  message[28] = spec.safi;
  return writeHeader(message, MessageType.Update);
}
