// The engine on PostgreSQL, with fsync on, against DBOS on the same server; and several nodes on one database.

import { createInterface } from "node:readline";
import { startPostgres, withClient } from "../../test/postgres/server.ts";
import { compare, type Done, type Figure, median, timed, type Work } from "../measure.ts";
import { openDbos } from "../opponents/dbos-postgres.ts";
import { openOnPostgres, runChains, runFanOuts } from "../signalbox/programs.ts";
import { type Program, start } from "../signalbox/server-processes.ts";

const INSTANCES = 1_000;
const STEPS = 5;
const LONG = 500;
const WIDTH = 1_000;
const FAN_OUTS = 10;
const TAKEN_OVER = 1_000;

export async function measure(): Promise<readonly Figure[]> {
  await using server = await startPostgres({ fsync: true });
  return [...(await againstDbos(server.url)), await fanOuts(server.url), await twoNodes(server.url), await takeOver(server.url)];
}

let schemas = 0;
const freshSchema = (): string => `bench_${(schemas += 1)}`;

async function againstDbos(url: string): Promise<Figure[]> {
  await withClient(url, (client) => client.query("CREATE DATABASE dbos"));
  const other = new URL(url);
  other.pathname = "/dbos";
  const dbos = await openDbos(other.href);
  const engine = await openOnPostgres(url, freshSchema());
  const own =
    (instances: number, steps: number): Work =>
    () =>
      timed(instances * steps, () => runChains(engine, instances, steps));
  // Many workflows at once take DBOS long: a tenth of them says as much.
  const many = await compare(own(INSTANCES, STEPS), dbos.chains(INSTANCES / 10, STEPS), { rounds: 3 });
  const one = await compare(own(1, LONG), dbos.chains(1, LONG), { rounds: 3 });
  await engine.close();
  await dbos.close();
  return [
    {
      name: `PostgreSQL, ${INSTANCES} orchestrations of ${STEPS} activities: throughput`,
      against: "DBOS on the same server",
      value: 1 / many.ratio,
      limit: { atLeast: 5 },
      unit: "times",
      detail: `${Math.round(many.subjectPerSecond)} and ${Math.round(many.baselinePerSecond)} steps a second`,
    },
    {
      name: `PostgreSQL, one orchestration of ${LONG} activities: throughput`,
      against: "DBOS on the same server",
      value: 1 / one.ratio,
      limit: { atLeast: 1.5 },
      unit: "times",
      detail: `${Math.round(1e6 / one.subjectPerSecond)} and ${Math.round(1e6 / one.baselinePerSecond)} microseconds a step`,
    },
  ];
}

async function fanOuts(url: string): Promise<Figure> {
  const engine = await openOnPostgres(url, freshSchema());
  await runFanOuts(engine, 2, WIDTH);
  const millis: number[] = [];
  for (let round = 0; round < FAN_OUTS; round += 1) millis.push((await timed(1, () => runFanOuts(engine, 1, WIDTH))).seconds * 1_000);
  await engine.close();
  return {
    name: `PostgreSQL, fan-out of ${WIDTH}`,
    against: "the clock",
    value: median(millis),
    limit: { atMost: 150 },
    unit: "ms",
    detail: `${FAN_OUTS} times, worst ${Math.max(...millis).toFixed(0)} ms`,
  };
}

async function twoNodes(url: string): Promise<Figure> {
  const [alone, shared] = [freshSchema(), freshSchema()];
  await using single = await node(url, alone);
  await using left = await node(url, shared);
  await using right = await node(url, shared);
  const run = async (nodes: readonly Node[]): Promise<Done> => {
    const share = INSTANCES / nodes.length;
    return await timed(INSTANCES * STEPS, async () => void (await Promise.all(nodes.map((each) => each.ask(`chains ${share} ${STEPS}`)))));
  };
  const { ratio, subjectPerSecond, baselinePerSecond } = await compare(
    () => run([left, right]),
    () => run([single]),
    { rounds: 5 },
  );
  return {
    name: "PostgreSQL, two nodes on one database: throughput",
    against: "one node",
    value: 1 / ratio,
    limit: { atLeast: 1 },
    unit: "times",
    detail: `${Math.round(subjectPerSecond)} and ${Math.round(baselinePerSecond)} steps a second; both nodes and the database share this machine's cores`,
  };
}

/** From the kill of the node that holds them to the end of all of them, on the node that is left. */
async function takeOver(url: string): Promise<Figure> {
  const schema = freshSchema();
  const seconds: number[] = [];
  for (const round of [1, 2, 3]) {
    const heir = await openOnPostgres(url, schema);
    const victim = await node(url, schema);
    await victim.ask(`wait take-over-${round}- ${TAKEN_OVER}`);
    const done = await timed(TAKEN_OVER, async () => {
      victim.process.kill("SIGKILL");
      const ids = Array.from({ length: TAKEN_OVER }, (_, index) => `take-over-${round}-${index}`);
      await Promise.all(ids.map((id) => heir.raiseEvent(id, "go")));
      await Promise.all(ids.map((id) => heir.waitForCompletion(id)));
    });
    seconds.push(done.seconds);
    await heir.close();
  }
  return {
    name: `PostgreSQL, kill -9 of a node with ${TAKEN_OVER} instances: until another has ended them all`,
    against: "the clock",
    value: median(seconds),
    limit: { atMost: 5 },
    unit: "s",
    detail: `worst ${Math.max(...seconds).toFixed(1)} s`,
  };
}

interface Node extends Program {
  readonly ask: (command: string) => Promise<string>;
}

async function node(url: string, schema: string): Promise<Node> {
  const program = await start("postgres-node", url, schema);
  const { stdin, stdout } = program.process;
  if (stdin === null || stdout === null) throw new Error("a node without pipes");
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  return Object.assign(program, {
    ask: async (command: string) => {
      stdin.write(`${command}\n`);
      const { value } = await lines.next();
      return String(value);
    },
  });
}
