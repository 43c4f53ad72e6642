/** What keeps a part from starting for want of something on the machine: its sentence says what to do. */
import { AsmnError } from "./control.js";
import { GateError } from "./gate/control.js";
import { GateFileError } from "./gate/memory.js";
import { GatewayError } from "./gateway/error.js";
import { SecEmError } from "./sec-em/control.js";

const CLASSES = [AsmnError, GateError, GateFileError, GatewayError, SecEmError];

/** Not a bug of ours. */
export function isTrustFault(error: unknown): error is Error {
  return CLASSES.some((one) => error instanceof one);
}
