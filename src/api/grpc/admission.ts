/**
 * Before anything of a call is read: whether there is room for it, and whether whoever calls may. So who is
 * refused costs no more than his headers. What is let in has its time until the request is whole, and a place
 * until its answer is out: answers that nobody reads are bounded, too, and cost their connection after a while.
 */
import {
  ServerInterceptingCall,
  type Metadata,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
} from "@grpc/grpc-js";
import type { Clock, TimerHandle } from "../../util/clock.js";
import type { Deadline, Deadlines } from "../../util/deadlines.js";
import { silentLog } from "../../util/log.js";
import type { Desk } from "../desk.js";
import { HttpError } from "../error.js";
import type { Operation } from "../service/index.js";
import { credentialsOf } from "./credentials.js";
import { grpcRefusal } from "./status.js";

/** Calls under way at once, of all connections. */
export const MOST_CALLS = 1024;
/** Of those that anybody may make, and as many that go on; they take no place from the others. */
const MOST_OPEN_CALLS = 256;
/** Until a request is whole, as over HTTP. */
const REQUEST_MS = 10_000;

export type Admitted = Pick<Operation, "id" | "role">;

export interface AdmissionParts {
  readonly desk: Desk;
  readonly clock: Clock;
  /** Of `TAKE_MS`: until the client has taken a message of its answer. */
  readonly taking: Deadlines;
  /** By the rpc's path: `/evpnd.v1.Fib/ListMacs`. */
  readonly operations: ReadonlyMap<string, Admitted>;
  /** Default `MOST_CALLS`. */
  readonly most?: number;
  /** Told of every call that was let in, by its connection's address and port. */
  readonly calls?: CallSink | undefined;
}

/** Who wants to know which connections are in use. */
export interface CallSink {
  /** @param peer as `getPeer` of the call has it */
  begun(peer: string): void;
  ended(peer: string): void;
  /** It takes nothing of an answer. */
  stuck(peer: string): void;
}

/** For paths that are not in `operations`: who may look may ask. */
const OTHER: Admitted = { id: "unknown", role: "viewer" };

export function admission(parts: AdmissionParts): ServerInterceptor {
  const { desk, clock, taking, operations, most = MOST_CALLS, calls } = parts;
  const room = { anyone: MOST_OPEN_CALLS, watching: MOST_OPEN_CALLS, known: most };

  return ({ path, requestStream, responseStream }, call) => {
    const operation = operations.get(path) ?? OTHER;
    const open = responseStream ? "watching" : "anyone";
    const place = operation.role === "anyone" ? open : "known";
    // Once the connection is gone the call does not know it any more.
    const peer = call.getPeer();
    let timer: TimerHandle | undefined;
    let message: Deadline | undefined;
    let isIn = false;

    const enter = (metadata: Metadata): void => {
      if (room[place] <= 0) {
        throw new HttpError(503, "busy", "too many calls are under way already; try again later");
      }
      desk.admit(operation, credentialsOf(call, metadata));
      room[place]--;
      isIn = true;
      calls?.begun(peer);
      if (!requestStream) timer = clock.setTimer(REQUEST_MS, () => tooLate(call));
    };
    const leave = (): void => {
      timer?.cancel();
      message?.end();
      if (!isIn) return;
      room[place]++;
      isIn = false;
      calls?.ended(peer);
    };

    // Of a call that is over nothing is given, nor waited for.
    const give = (): Deadline | undefined =>
      isIn ? (message = taking.begin(() => calls?.stuck(peer))) : undefined;

    return new TimedCall(call, give, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, pass) => {
            try {
              enter(metadata);
            } catch (error) {
              call.sendStatus(grpcRefusal(error, operation.id, desk.backend.log));
              return;
            }
            pass(metadata);
          },
          onReceiveHalfClose: (pass) => {
            timer?.cancel();
            pass();
          },
          // However it ended, and when all of the answer is out.
          onCancel: leave,
        }),
    });
  };
}

/** One message is given after the other: the next when the one before it has been taken. */
class TimedCall extends ServerInterceptingCall {
  private readonly give: () => Deadline | undefined;

  constructor(
    call: ServerInterceptingCallInterface,
    give: () => Deadline | undefined,
    responder: ConstructorParameters<typeof ServerInterceptingCall>[1],
  ) {
    super(call, responder);
    this.give = give;
  }

  override sendMessage(message: unknown, taken: () => void): void {
    const deadline = this.give();
    super.sendMessage(message, () => {
      deadline?.end();
      taken();
    });
  }
}

function tooLate(call: ServerInterceptingCallInterface): void {
  const seconds = REQUEST_MS / 1000;
  const error = new HttpError(504, "timeout", `the request was not whole within ${seconds} s`);
  call.sendStatus(grpcRefusal(error, "", silentLog));
}
