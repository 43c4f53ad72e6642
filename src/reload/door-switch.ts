/** The HTTP door as a reload sees it: a new address is bound before the old one is given up. */
import type { HttpDoor, HttpSettings } from "../api/index.js";
import type { DaemonSettings } from "../config/index.js";
import { sameSettings, type Applier, type Discard } from "../util/applier.js";
import type { Clock } from "../util/clock.js";

/** An old HTTP door stays this long, so that the answer to its own reload request gets out. */
const OLD_DOOR_MS = 1000;

export class DoorSwitch implements Applier<DaemonSettings> {
  readonly name = "http";
  private readonly open: (settings: HttpSettings) => Promise<HttpDoor | undefined>;
  private readonly clock: Clock;
  private door: HttpDoor | undefined;
  private prepared: HttpDoor | undefined;
  /** The new address is taken by our own old one: bound once that is gone. */
  private late = false;

  constructor(open: (settings: HttpSettings) => Promise<HttpDoor | undefined>, clock: Clock) {
    this.open = open;
    this.clock = clock;
  }

  get address(): string | undefined {
    return this.door?.address;
  }

  async start(settings: HttpSettings): Promise<void> {
    this.door = await this.open(settings);
  }

  async prepare(before: DaemonSettings, after: DaemonSettings): Promise<Discard | undefined> {
    const [from, to] = [before.http.listen, after.http.listen];
    this.late = false;
    if (to === undefined || sameDoor(before.http, after.http)) return undefined;
    if (from?.port === to.port && this.door !== undefined) {
      this.late = true;
      return undefined;
    }
    this.prepared = await this.open(after.http);
    return async () => {
      await this.prepared?.close();
      this.prepared = undefined;
    };
  }

  async apply(before: DaemonSettings, after: DaemonSettings): Promise<string[]> {
    if (sameSettings(before.http, after.http)) return [];
    if (sameDoor(before.http, after.http)) {
      this.door?.setRules(after.http);
      return [`HTTP ${this.address ?? "off"}`];
    }
    const old = this.door;
    if (this.late) {
      await old?.stopListening();
      this.door = undefined;
      this.retire(old);
      this.door = await this.open(after.http);
    } else {
      this.door = this.prepared;
      this.prepared = undefined;
      this.retire(old);
    }
    return [`HTTP ${this.address ?? "off"}`];
  }

  async close(): Promise<void> {
    const { door } = this;
    this.door = undefined;
    await door?.close();
  }

  private retire(old: HttpDoor | undefined): void {
    if (old !== undefined) this.clock.setTimer(OLD_DOOR_MS, () => void old.close());
  }
}

/** The same address, in the same thread, and asking the same of connections: the rest are rules. */
function sameDoor(a: HttpSettings, b: HttpSettings): boolean {
  return (
    sameSettings(a.listen, b.listen) &&
    a.thread === b.thread &&
    (a.tls === undefined) === (b.tls === undefined) &&
    (a.tls?.clientCa === undefined) === (b.tls?.clientCa === undefined)
  );
}
