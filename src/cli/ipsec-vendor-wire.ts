/** Renderings and imports as the HTTP door gives them; see `wire.ts`. */
export interface RenderingAnswer {
  readonly gateway: string;
  readonly vendor: string;
  readonly files: readonly { readonly name: string; readonly text: string }[];
  readonly findings: readonly {
    readonly code: string;
    readonly severity: string;
    readonly tunnel: string;
    readonly message: string;
    readonly remedy: string;
  }[];
  readonly byHand: readonly string[];
  readonly secrets: readonly { readonly name: string; readonly fingerprint?: string | undefined }[];
}

export interface ExportAnswer extends Omit<RenderingAnswer, "files" | "secrets"> {
  /** On evpnd's machine. */
  readonly files: readonly string[];
  readonly left: readonly string[];
}

export interface ImportNoteAnswer {
  readonly severity: string;
  readonly code: string;
  readonly from: number;
  readonly to: number;
  readonly line: string;
  readonly message: string;
  readonly remedy: string;
}

export interface ImportAnswer {
  readonly gateway?: string | undefined;
  readonly configuration: object;
  readonly kept: readonly string[];
  readonly notes: readonly ImportNoteAnswer[];
  readonly secrets: readonly {
    readonly name: string;
    readonly from: number;
    readonly found: string;
    readonly stored: boolean;
    readonly problem?: string | undefined;
  }[];
}
