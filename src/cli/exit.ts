/** Exit codes of evpnctl, for scripts; docs/cli.md lists them. */
export const EXIT = {
  ok: 0,
  /** What was looked at is not well: a bad message, a bad file, an audit that found something. */
  finding: 1,
  usage: 2,
  /** evpnd does not answer. */
  unreachable: 3,
  /** No such peer, MAC or domain. */
  notFound: 4,
  /** evpnd answered and refused, or failed. */
  refused: 5,
} as const;

/** Ends the command: `message` for people on standard error. */
export class CliError extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}
