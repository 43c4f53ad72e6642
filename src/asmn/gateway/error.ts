/**
 * What keeps the gateway from doing what it was told; the sentence says what to do.
 *
 * - `invalid`: what was asked makes no sense. `off`: the gateway was removed, or is not configured here.
 * - `unsupported`: this system lacks a program or a right. `refused`: the kernel did not take it; what was in
 *   force is in force.
 */
export type GatewayErrorCode = "invalid" | "off" | "unsupported" | "refused";

export class GatewayError extends Error {
  readonly code: GatewayErrorCode;
  constructor(code: GatewayErrorCode, message: string) {
    super(message);
    this.name = "GatewayError";
    this.code = code;
  }
}
