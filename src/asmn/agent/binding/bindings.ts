/** The binding that the settings name, opened, told of trust and keys, and closed. */
import type { Clock } from "../../../util/clock.js";
import type { Log } from "../../../util/log.js";
import type { TlsIdentity } from "../../link/index.js";
import { HomeError } from "../home.js";
import { formatPlace } from "../place.js";
import type { AgentSettings } from "../settings.js";
import type { BindingState } from "../status.js";
import { Md5Hook } from "./md5-hook.js";
import { TlsProxy } from "./tls-proxy.js";

export interface BindingsParts {
  readonly settings: AgentSettings;
  readonly tls: TlsIdentity;
  readonly clock: Clock;
  readonly log: Log;
  readonly onState: (state: BindingState) => void;
}

export class Bindings {
  private readonly parts: BindingsParts;
  private proxy: TlsProxy | undefined;
  private hook: Md5Hook | undefined;

  constructor(parts: BindingsParts) {
    this.parts = parts;
  }

  /** Rejects with `HomeError` when the proxy's port cannot be had. */
  async open(): Promise<void> {
    const { settings, tls, clock, log, onState } = this.parts;
    const { binding } = settings;
    if (binding.kind === "tls-proxy") {
      try {
        this.proxy = await TlsProxy.start({ binding, identity: tls, clock, log, onState });
      } catch (error) {
        throw portError("binding.listen", formatPlace(binding.listen), error);
      }
    } else if (binding.kind === "tcp-md5") {
      this.hook = new Md5Hook({ binding, clock, log, onState });
      onState({ kind: "tcp-md5", bound: false, detail: "the Sec-EM has given no key yet" });
    } else {
      const detail = "who can take the address can take the session";
      onState({ kind: "address", bound: false, detail });
    }
  }

  get carried(): number {
    return this.proxy?.carried ?? 0;
  }

  trust(own: { readonly id: Uint8Array } | undefined): void {
    this.proxy?.trust(own && { tenant: this.parts.settings.tenant, id: own.id });
  }

  giveMd5Key(key: string): void {
    if (this.hook !== undefined) this.hook.give(key);
    else if (this.parts.settings.binding.kind !== "tcp-md5") {
      const remedy = "add binding: {kind: tcp-md5, …}, or change the VNF's descriptor";
      this.parts.log.warn({}, `the Sec-EM gives a TCP-MD5 key that nobody here takes: ${remedy}`);
    }
  }

  async close(): Promise<void> {
    this.hook?.stop();
    await this.proxy?.stop();
  }
}

/** What stops the agent at its start: the operator gave an address that cannot be had. */
export function portError(key: string, place: string, error: unknown): HomeError {
  const { code = "unknown error" } = error as NodeJS.ErrnoException;
  const remedy = code === "EADDRINUSE" ? "something else listens there" : "check the address";
  return new HomeError(`${key}: cannot listen on ${place} (${code}): ${remedy}`);
}
