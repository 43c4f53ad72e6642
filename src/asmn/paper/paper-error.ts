/** A run that cannot go on: a sentence that says what to do. */
export class PaperError extends Error {}
