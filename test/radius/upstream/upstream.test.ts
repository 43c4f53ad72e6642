/** RAD-02: the relay speaks to whatever has the shape of an upstream: here a server with a protocol of its own. */
import { afterEach, expect, test } from "vitest";
import { Attr, Code, HEADER } from "../../../src/radius/packet/iana.js";
import { findText } from "../../../src/radius/packet/packet.js";
import { unhidePassword } from "../../../src/radius/packet/hiding.js";
import { ownAnswer } from "../../../src/radius/server/own-answer.js";
import { homeServerCounters } from "../../../src/radius/statistics/counters.js";
import type {
  Kind,
  Ticket,
  Upstream,
  UpstreamReply,
  UpstreamRequest,
} from "../../../src/radius/upstream/upstream.js";
import { accessRequest, Endpoint, STATION } from "../lib/packets.js";
import { CLIENT_SECRET, homeServer, Run, tenant } from "../lib/run.js";

/** Knows users by a list, and says yes or no later, as a server over TCP would. */
class UserList implements Upstream {
  readonly name = "list";
  readonly kind: Kind;
  readonly state = "alive";
  readonly counters = homeServerCounters();
  pending = 0;
  readonly asked: string[] = [];
  private readonly users: ReadonlyMap<string, string>;

  constructor(kind: Kind, users: Readonly<Record<string, string>>) {
    this.kind = kind;
    this.users = new Map(Object.entries(users));
  }

  send(request: UpstreamRequest, onReply: (reply: UpstreamReply) => void): Ticket {
    const { packet, facts, secret } = request;
    if (secret === undefined) throw new Error("this server takes no accounting");
    const name = findText(packet, Attr.UserName) ?? "";
    const hidden = packet.subarray(facts.userPassword + 2, facts.userPassword + 18);
    const plain = unhidePassword(hidden, secret, packet.subarray(4, HEADER));
    const password = Buffer.from(plain).toString().replace(/\0+$/, "");
    this.asked.push(name);
    this.pending++;
    setImmediate(() => {
      this.pending--;
      const code = this.users.get(name) === password ? Code.AccessAccept : Code.AccessReject;
      const answer = ownAnswer({ packet, facts, secret }, code);
      if (answer !== undefined) onReply({ answer, said: answer });
    });
    return { lastSentAt: 0 };
  }

  resend(): boolean {
    return true;
  }
  forget(): void {}
  configure(): void {}
  tick(): void {}
  close(): void {}
}

let run: Run | undefined;
afterEach(() => run?.service.stop());

test("RAD-02: another protocol behind the relay authenticates, and its accept begins a session", async () => {
  const list = new UserList("authentication", { bob: "hello" });
  run = await Run.start([tenant([homeServer(9, { name: "list" })])], {
    upstream: ({ kind }) => (kind === "authentication" ? list : new UserList(kind, {})),
  });
  const nas = await Endpoint.open();
  const ask = (password: string, identifier: number) =>
    nas.send(
      accessRequest([[Attr.UserName, "bob"], ...STATION], CLIENT_SECRET, { password, identifier }),
      run?.authPort ?? 0,
    );
  ask("hello", 1);
  expect((await nas.packet(0))[0]).toBe(Code.AccessAccept);
  ask("wrong", 2);
  expect((await nas.packet(1))[0]).toBe(Code.AccessReject);
  expect(list.asked).toEqual(["bob", "bob"]);
  expect(run.events.map(({ kind, session }) => [kind, session.userName])).toEqual([
    ["begun", "bob"],
  ]);
  nas.close();
});
