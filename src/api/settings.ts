/** What the HTTP door needs to know, already checked. */
export interface HttpSettings {
  /** undefined = no HTTP at all. */
  readonly listen: { readonly address: string; readonly port: number } | undefined;
  /** The operator said that listening beyond loopback is wanted: there is no authentication. */
  readonly allowRemote: boolean;
  /** Names, beside `localhost` and addresses, that a Host header may carry. */
  readonly allowedHosts: readonly string[];
  /** `worker` (default): in a thread of its own; `main`: in the thread of BGP. */
  readonly thread?: "worker" | "main" | undefined;
}
