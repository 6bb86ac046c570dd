/** Who gave a worker's answer waits for its commit (E3). */
export interface Answer {
  /** It has been committed, or is stale and has no effect (E5). */
  accept(): void;
  /** The connection it came over: of two streams that have the same item, this tells which gave the answer. */
  readonly from?: object | undefined;
  /** It makes no sense, or the engine ended before it was committed. */
  refuse(error: Error): void;
}
