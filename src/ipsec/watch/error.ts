/** A question or an order that cannot be done; the sentence says what to do. */
export type WatchErrorCode = "invalid" | "not-found" | "busy" | "unavailable";

export class WatchError extends Error {
  readonly code: WatchErrorCode;
  constructor(code: WatchErrorCode, message: string) {
    super(message);
    this.name = "WatchError";
    this.code = code;
  }
}
