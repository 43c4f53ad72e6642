/** Refused orders: a code for programs and a sentence that says what to do. */
export class InjectError extends Error {
  readonly code: "not-found" | "invalid" | "busy" | "unsupported";
  constructor(code: InjectError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

export function invalid(sentence: string): InjectError {
  return new InjectError("invalid", sentence);
}
