/** The timeline's side of the messages. */
import { StoreError } from "../../store/index.js";
import { FibQueryError } from "../control.js";
import { TimelineEngine, type EngineOptions } from "./engine.js";
import type { TimelineCommand, TimelineQuestion, TimelineReport } from "./messages.js";

/** The part of a `MessagePort` that is used. */
export interface TimelinePort {
  postMessage(message: TimelineReport): void;
  on(event: "message", listener: (command: TimelineCommand) => void): unknown;
  close(): void;
}

export function serveTimeline(
  port: TimelinePort,
  options: Omit<EngineOptions, "told">,
): TimelineEngine {
  const engine = new TimelineEngine({
    ...options,
    told: (status) => port.postMessage({ kind: "status", status }),
  });
  port.on("message", (command) => {
    switch (command.kind) {
      case "attach":
        void engine.attach(command.share, command.time, command.resumed, command.fib);
        break;
      case "bounds":
        engine.setBounds(command.settings);
        break;
      case "ask": {
        const { id, question } = command;
        answer(engine, question).then(
          (given) => port.postMessage({ kind: "answer", id, answer: given }),
          (error: unknown) => port.postMessage({ kind: "refused", id, ...refusal(error) }),
        );
        break;
      }
      case "close":
        void engine.close().then(() => {
          port.postMessage({ kind: "closed" });
          port.close();
        });
    }
  });
  return engine;
}

async function answer(engine: TimelineEngine, question: TimelineQuestion): Promise<unknown> {
  if (question.about === "status") return engine.status();
  // What happened before the question is part of the answer.
  await engine.settled();
  const questions = engine.questions();
  switch (question.about) {
    case "events":
      return questions.events(question.query);
    case "at":
      return questions.at(question.query);
    case "diff":
      return questions.diff(question.query);
    case "restless":
      return questions.restless(question.query);
  }
}

function refusal(error: unknown): { code: FibQueryError["code"]; message: string } {
  if (error instanceof FibQueryError) return { code: error.code, message: error.message };
  const text = error instanceof StoreError ? error.message : String(error);
  return { code: "off", message: `the timeline's store failed: ${text}` };
}
