/** The end of the event loop's turn: what its sockets brought has been taken by then. One wait for all who ask. */
export class TurnEnd {
  private waiting: Promise<void> | undefined;

  wait(): Promise<void> {
    return (this.waiting ??= new Promise((resolve) => {
      setImmediate(() => {
        this.waiting = undefined;
        resolve();
      });
    }));
  }
}
