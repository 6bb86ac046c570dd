// What chaos needs of a server: its address, its death and its return. One of SQLite is `startServer`; several of one database
// look the same.

export interface ChaosNode extends AsyncDisposable {
  readonly port: number;
  kill(): Promise<void>;
  start(): Promise<void>;
  readonly errors: string;
}
