/**
 * What an importer gives: a model of the gateway and its tunnels, the lines that have no place in a model, and
 * for every line that was not simply taken a note that says what became of it. Nothing is dropped in silence.
 */
import type { IpsecModel } from "../../model/index.js";

export interface ImportOptions {
  /** What the gateway is called in the model; undefined = its own host name, or `imported`. */
  readonly gateway?: string | undefined;
  /** Commands that stand in comments behind words of prose: `take` them (with a warning), or leave them out. */
  readonly hidden?: "take" | "leave" | undefined;
}

/**
 * error: the line is not in the model. warning: it is, otherwise than it stands there, or something is wrong
 * with what it says. info: it was joined, kept, or means nothing for tunnels.
 */
export interface ImportNote {
  readonly severity: "error" | "warning" | "info";
  /** `hidden-command`, `unreadable`, `kept`, … */
  readonly code: string;
  /** Lines of the text, from 1; 0 = the text as a whole. */
  readonly from: number;
  readonly to: number;
  /** The command as it was read, secrets masked. */
  readonly line: string;
  /** Both without the full stop. */
  readonly message: string;
  readonly remedy: string;
}

/** A key that the text names, shows or hides. Never leaves this process with its value. */
export interface ImportedSecret {
  /** By this name the model refers to it. */
  readonly name: string;
  /** Undefined = masked, or a placeholder: it is to be set by hand. */
  readonly value: string | undefined;
  readonly from: number;
}

export interface Imported {
  /** Undefined when the text as a whole could not be read. */
  readonly gateway: string | undefined;
  readonly model: IpsecModel;
  /** Lines of the gateway's own, for a rendering to put back. Secrets in them are blanked. */
  readonly kept: readonly string[];
  readonly notes: readonly ImportNote[];
  readonly secrets: readonly ImportedSecret[];
}
