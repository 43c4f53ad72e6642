/**
 * The commands of the IKE daemon that we use, with types. One instance is one connection to it; who holds one
 * and makes the next is `driver.ts`. Nothing here touches the daemon's files.
 */
import {
  ViciClient,
  ViciError,
  listOf,
  sectionOf,
  textOf,
  type ViciClientOptions,
  type ViciSection,
} from "../vici/index.js";
import { readIkeSas, type IkeSa } from "./sa.js";

/** A secret for the daemon. Lives only as long as the command that loads it. */
export interface LoadableSecret {
  /** By which it can be replaced and unloaded. */
  readonly id: string;
  readonly type: "IKE" | "PPK";
  readonly data: Uint8Array;
  /** Identities that it is for. */
  readonly owners: readonly string[];
}

export interface LoadableKey {
  /** `any` lets the daemon find out. */
  readonly type: "any" | "rsa" | "ecdsa" | "ed25519" | "ed448";
  /** PEM or DER. */
  readonly data: Uint8Array;
}

export interface LoadableCertificate {
  readonly authority: boolean;
  /** PEM or DER. */
  readonly data: Uint8Array;
}

export interface DaemonVersion {
  readonly daemon: string;
  readonly version: string;
  /** When it was started, in its words: another one is another process. */
  readonly since: string;
  readonly plugins: readonly string[];
}

/** Which SAs: of a connection, or one by its number. */
export type SaChoice =
  | { readonly connection: string }
  | { readonly child: string; readonly connection?: string }
  | { readonly ikeId: number }
  | { readonly childId: number };

/** Of one list; ten times what we have tunnels for. */
const MOST_SAS = 100_000;

export class Charon {
  private readonly client: ViciClient;

  private constructor(client: ViciClient) {
    this.client = client;
  }

  static async open(options: ViciClientOptions): Promise<Charon> {
    return new Charon(await ViciClient.open(options));
  }

  get isOpen(): boolean {
    return this.client.isOpen;
  }

  close(): void {
    this.client.close();
  }

  listen(events: readonly string[]): Promise<void> {
    return this.client.listen(events);
  }

  unlisten(events: readonly string[]): Promise<void> {
    return this.client.unlisten(events);
  }

  async version(): Promise<DaemonVersion> {
    const version = await this.client.request("version");
    const stats = await this.client.request("stats");
    return {
      daemon: textOf(version, "daemon") ?? "?",
      version: textOf(version, "version") ?? "?",
      since: textOf(sectionOf(stats, "uptime"), "since") ?? "",
      plugins: listOf(stats, "plugins"),
    };
  }

  /** A connection of that name is replaced; its SAs stay. Nothing happens when it is the same. */
  async loadConnection(name: string, connection: ViciSection): Promise<void> {
    await this.client.request("load-conn", { [name]: connection });
  }

  /** Its SAs stay. */
  async unloadConnection(name: string): Promise<void> {
    await this.client.request("unload-conn", { name });
  }

  /** Names of those that were loaded through the socket, ours and others'. */
  async connections(): Promise<readonly string[]> {
    return listOf(await this.client.request("get-conns"), "conns");
  }

  async loadSecret({ id, type, data, owners }: LoadableSecret): Promise<void> {
    await this.client.request("load-shared", { id, type, data, owners });
  }

  async unloadSecret(id: string): Promise<void> {
    await this.client.request("unload-shared", { id });
  }

  async secrets(): Promise<readonly string[]> {
    return listOf(await this.client.request("get-shared"), "keys");
  }

  /** @returns the daemon's id of the key: hash of its public half */
  async loadKey({ type, data }: LoadableKey): Promise<string> {
    return textOf(await this.client.request("load-key", { type, data }), "id") ?? "";
  }

  async unloadKey(id: string): Promise<void> {
    await this.client.request("unload-key", { id });
  }

  async loadCertificate({ authority, data }: LoadableCertificate): Promise<void> {
    await this.client.request("load-cert", {
      type: "X509",
      flag: authority ? "CA" : "NONE",
      data,
    });
  }

  /** All there are, or those of one connection. */
  async sas(connection?: string): Promise<IkeSa[]> {
    const sas: IkeSa[] = [];
    await this.client.stream(
      "list-sas",
      "list-sa",
      { noblock: "yes", ike: connection },
      (message) => {
        sas.push(...readIkeSas(message));
        if (sas.length > MOST_SAS) {
          throw new ViciError("protocol", `more than ${MOST_SAS} SAs: this is not believed`);
        }
      },
    );
    return sas;
  }

  /** Returns when it has begun; events tell how it goes on. */
  async initiate(connection: string, child: string): Promise<void> {
    await this.client.request("initiate", {
      ike: connection,
      child,
      timeout: "-1",
      "init-limits": "no",
      loglevel: "-1",
    });
  }

  /** Returns when it has begun. `force` forgets the SA without waiting for the peer's word. */
  async terminate(choice: SaChoice, force = false): Promise<void> {
    await this.client.request("terminate", {
      ...chosen(choice),
      timeout: "-1",
      loglevel: "-1",
      force: force ? "yes" : undefined,
    });
  }

  /** Make before break. `reauth` begins with authentication (IKEv2), which IKEv1 always does. */
  async rekey(choice: SaChoice, reauth = false): Promise<void> {
    await this.client.request("rekey", {
      ...chosen(choice),
      reauth: reauth ? "yes" : undefined,
    });
  }

  /** Puts a child's trap in place: traffic brings it up. Nothing happens when it is there. */
  async install(connection: string, child: string): Promise<void> {
    await this.client.request("install", { ike: connection, child });
  }

  async uninstall(connection: string, child: string): Promise<void> {
    await this.client.request("uninstall", { ike: connection, child });
  }
}

function chosen(choice: SaChoice): ViciSection {
  if ("ikeId" in choice) return { "ike-id": String(choice.ikeId) };
  if ("childId" in choice) return { "child-id": String(choice.childId) };
  if ("child" in choice) return { child: choice.child, ike: choice.connection };
  return { ike: choice.connection };
}
