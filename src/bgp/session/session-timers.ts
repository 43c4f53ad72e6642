/**
 * Hold, keepalive and send hold timer of one session as numbers, compared with the wheel's two times
 * (see timers.ts). Nothing here arms anything; `tick` of the session asks what is due.
 */
import { jitter, type TimerWheel } from "./timers.js";
import type { Connection } from "./types.js";

export class SessionTimers {
  /** Reading is stopped for back-pressure: the silence is ours. */
  paused = false;
  private readonly wheel: TimerWheel;
  private readonly random: () => number;
  private readonly connection: Connection;

  // Milliseconds; 0 = off.
  private holdMs = 0;
  private lastHeard = 0;
  private pausedAt = 0;
  private keepaliveMs = 0;
  private keepaliveAfter = 0;
  private lastSent = 0;
  private sendHoldMs = 0;
  private progressAt = 0;
  /** Octets the kernel had taken at `progressAt`; -1 when nothing was pending. */
  private progress = -1;
  /** Octets given to the connection so far, and when the last KEEPALIVE was. */
  private given = 0;
  private keepaliveEnd = 0;

  constructor(wheel: TimerWheel, random: () => number, connection: Connection) {
    this.wheel = wheel;
    this.random = random;
    this.connection = connection;
  }

  /** Seconds, for messages. */
  get holdTime(): number {
    return this.holdMs / 1000;
  }

  get sendHoldTime(): number {
    return this.sendHoldMs / 1000;
  }

  heard(): void {
    this.lastHeard = this.wheel.readTime;
  }

  sent(octets: number): void {
    this.given += octets;
    this.lastSent = this.wheel.now;
  }

  armHold(seconds: number): void {
    this.holdMs = 1000 * seconds;
    this.heard();
  }

  armKeepalive(seconds: number): void {
    this.keepaliveMs = 1000 * seconds;
    this.keepaliveAfter = jitter(this.keepaliveMs, this.random);
  }

  armSendHold(seconds: number): void {
    this.sendHoldMs = 1000 * seconds;
    this.progressAt = this.wheel.readTime;
  }

  pause(): void {
    this.paused = true;
    this.pausedAt = this.wheel.readTime;
  }

  resume(): void {
    this.paused = false;
    this.lastHeard += this.wheel.readTime - this.pausedAt;
  }

  keepaliveDue(): boolean {
    return this.keepaliveMs > 0 && this.wheel.now - this.lastSent >= this.keepaliveAfter;
  }

  keepaliveSent(): void {
    this.keepaliveEnd = this.given;
  }

  /** One KEEPALIVE that waits for the kernel is enough: a second tells the peer nothing. */
  keepaliveQueued(): boolean {
    const { connection } = this;
    return connection.pendingBytes > 0 && connection.bytesAccepted < this.keepaliveEnd;
  }

  holdExpired(): boolean {
    return this.holdMs > 0 && !this.paused && this.wheel.readTime - this.lastHeard > this.holdMs;
  }

  /** Looks whether the kernel took something of what is pending. */
  watchOutput(): void {
    if (this.sendHoldMs === 0) return;
    const { connection } = this;
    const progress = connection.pendingBytes === 0 ? -1 : connection.bytesAccepted;
    if (progress >= 0 && progress === this.progress) return;
    this.progress = progress;
    this.progressAt = this.wheel.readTime;
  }

  sendHoldExpired(): boolean {
    return this.sendHoldMs > 0 && this.wheel.readTime - this.progressAt > this.sendHoldMs;
  }
}
