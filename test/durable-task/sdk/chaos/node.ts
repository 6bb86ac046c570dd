// What chaos needs of a server: its address, its death and its return. One of SQLite is `startServer`; several of one database
// look the same.

export interface ChaosNode extends AsyncDisposable {
  readonly port: number;
  /** Resolves when its process has ended. */
  readonly ended: Promise<void>;
  kill(): Promise<void>;
  /** In good order. */
  stop(): Promise<void>;
  /** Answers what lets it go on. */
  freeze(): () => void;
  start(): Promise<void>;
  readonly errors: string;
}

/** Between a server and its database. */
export interface DatabaseProxy {
  /** A connection is cut when that many more bytes have passed. */
  cutAfter(bytes: number): void;
}
