/** What a check may know beside the model. */
import type { SecretFacts } from "../secrets/control.js";

export interface CheckContext {
  /** Wall-clock milliseconds: opt-ins and certificates run out. */
  readonly now: number;
  /** Facts of a secret by its name; undefined where nothing is known of secrets (offline checks). */
  readonly secrets?: ((name: string) => SecretFacts | undefined) | undefined;
}
