/** Messages by kind and direction: plain numbers, read by telemetry. */
import { MessageType } from "../../fast-bgp-codec/iana.js";

export type MessageKind = "open" | "update" | "notification" | "keepalive" | "refresh";
export type MessageCounts = Record<MessageKind, number>;

const KIND: Readonly<Record<number, MessageKind>> = {
  [MessageType.Open]: "open",
  [MessageType.Update]: "update",
  [MessageType.Notification]: "notification",
  [MessageType.Keepalive]: "keepalive",
  [MessageType.RouteRefresh]: "refresh",
};

export class MessageCounters {
  readonly in: MessageCounts = none();
  readonly out: MessageCounts = none();

  received(type: number): void {
    if (type === MessageType.Update) this.in.update++;
    else this.in[KIND[type] ?? "refresh"]++;
  }

  sent(type: number, messages: number): void {
    if (type === MessageType.Update) this.out.update += messages;
    else this.out[KIND[type] ?? "refresh"] += messages;
  }

  add(other: MessageCounters): void {
    for (const kind of Object.values(KIND)) {
      this.in[kind] += other.in[kind];
      this.out[kind] += other.out[kind];
    }
  }
}

function none(): MessageCounts {
  return { open: 0, update: 0, notification: 0, keepalive: 0, refresh: 0 };
}
