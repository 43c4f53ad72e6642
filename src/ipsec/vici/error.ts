/** What can go wrong between us and the IKE daemon; the sentence says what to do. */

/**
 * - `unreachable`: nobody listens at the socket;
 * - `closed`: the connection ended while the command was under way;
 * - `timeout`: no answer in time; the connection is closed, because answers have no number;
 * - `refused`: the daemon said no, with its reason;
 * - `unknown`: the daemon has no such command or event;
 * - `protocol`: what came is not the protocol;
 * - `busy`: too many commands wait.
 */
export type ViciErrorCode =
  "unreachable" | "closed" | "timeout" | "refused" | "unknown" | "protocol" | "busy";

export class ViciError extends Error {
  readonly code: ViciErrorCode;

  constructor(code: ViciErrorCode, message: string) {
    super(message);
    this.name = "ViciError";
    this.code = code;
  }
}
