/**
 * Secrets of tunnels: written, never read back. In: pre-shared keys, certificates and their keys by name.
 * Out: facts (bits, a keyed fingerprint, dates), octets for the part of this process that drives a daemon,
 * and a file of mode 0600 on an operator's order.
 *
 * - `control.ts` the doors; `store.ts` behind them; `credential.ts` one of them; `entropy.ts` how good a key is.
 * - `vault.ts` the file: encrypted with a key file, or protected by its mode, as the operator chooses.
 * - `redact.ts` blanks secrets in texts.
 *
 * Not here: who may order what (the API's roles), hardware modules.
 */
export * from "./control.js";
export { keyBits } from "./entropy.js";
export { redactor, secretForms } from "./redact.js";
export { SecretStore, type SecretStoreParts } from "./store.js";
