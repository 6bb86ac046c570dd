import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createLocalHost } from "../../src/host/local-host.ts";
import { expression, mapping, openTestJob, runStep, text } from "./open-job.ts";

describe("run steps", () => {
  test("outputs, env and PATH reach the next step, and the log is masked", async () => {
    await using host = createLocalHost();
    await using job = await openTestJob(
      host,
      [
        runStep(
          "one",
          'echo "v=1 2" >> $GITHUB_OUTPUT; echo "FOO=bar" >> $GITHUB_ENV; mkdir bin; echo "$PWD/bin" >> $GITHUB_PATH\necho "$TOKEN"',
          {
            env: mapping({ TOKEN: expression("secrets.TOKEN") }),
          },
        ),
        runStep("two", "x", { run: expression("format('echo {0} $FOO; echo $PATH | cut -d: -f1; exit 3', steps.one.outputs.v)") }),
      ],
      { secrets: [{ name: "TOKEN", value: "s3cr3t-value" }] },
    );
    const one = await job.walk("one");
    expect(one).toMatchObject({ outcome: "success", exitCode: 0, outputs: { v: "1 2" }, environment: [{ name: "FOO", value: "bar" }] });
    expect(readFileSync(join(job.directory, one.log.file), "utf8")).toContain("\n***\n");
    const two = await job.walk("two");
    expect(two).toMatchObject({ outcome: "failure", exitCode: 3, message: "Process completed with exit code 3." });
    expect(readFileSync(join(job.directory, two.log.file), "utf8")).toContain(`1 2 bar\n${job.request.directories.workspace}/bin\n`);
  });

  test("B6: a missing shell fails a background step as it would any other: the port has a result with the reason, and no process", async () => {
    await using host = createLocalHost();
    await using job = await openTestJob(host, [runStep("one", ":", { background: true, shell: text("sh-that-is-not-there {0}") })]);
    await job.prepare("one");
    const told: string[] = [];
    const result = await job.run("one", ({ kind }) => told.push(kind));
    expect(result).toMatchObject({ outcome: "failure", message: expect.stringContaining("sh-that-is-not-there: command not found") });
    expect(told).not.toContain("started");
    expect(readFileSync(join(job.directory, result.log.file), "utf8")).toContain("##[error]sh-that-is-not-there: command not found");
  });

  test("a custom shell gets its own words, the script's file for {0}, and is looked up in GITHUB_PATH first", async () => {
    await using host = createLocalHost();
    const shell = '#!/bin/sh\nprintf \'<%s>\' "$1" "$2" "$4"; cat "$3"\n';
    await using job = await openTestJob(host, [
      runStep("make", `mkdir bin; printf '%s' "$SHELL_TEXT" > bin/sed; chmod +x bin/sed; echo "$PWD/bin" >> $GITHUB_PATH`, {
        env: mapping({ SHELL_TEXT: text(shell) }),
      }),
      runStep("one", "the script", { shell: text('sed "a b" --flag {0} last') }),
      runStep("two", "print('from python', 1 + 1)", { shell: text("python3 -u {0}") }),
    ]);
    await job.walk("make");
    const one = await job.walk("one");
    expect(readFileSync(join(job.directory, one.log.file), "utf8")).toContain("<a b><--flag><last>the script");
    const two = await job.walk("two");
    expect(readFileSync(join(job.directory, two.log.file), "utf8")).toContain("from python 2\n");
  });

  test("what is wrong with a command file is told once, in the log and as an annotation", async () => {
    await using host = createLocalHost();
    await using job = await openTestJob(host, [
      runStep("one", 'echo nonsense >> "$GITHUB_ENV"'),
      runStep("two", 'echo nonsense >> "$GITHUB_ENV"; exit 3'),
      runStep("three", "exit 0", { workingDirectory: text("gone") }),
    ]);
    const times = (key: string, text: string) => readFileSync(join(job.directory, "logs", "build", key), "utf8").split(text).length - 1;
    const unable = "Unable to process file command 'env' successfully.";
    const one = await job.walk("one");
    expect(one).toMatchObject({ outcome: "failure", message: expect.stringContaining(unable) });
    const two = await job.walk("two");
    expect(two).toMatchObject({ outcome: "failure", message: "Process completed with exit code 3." });
    const three = await job.run("three");
    expect(three).toMatchObject({ outcome: "failure", message: expect.stringContaining("could not be started") });
    for (const [{ log, annotations }, told] of [
      [one, [unable, "Invalid format"]],
      [two, [unable, "Invalid format", "Process completed with exit code 3."]],
      [three, ["could not be started"]],
    ] as const) {
      for (const text of told) expect(times(log.file.slice("logs/build/".length), text)).toBe(1);
      expect(annotations.map(({ message }) => message)).toEqual(told.map((text) => expect.stringContaining(text)));
    }
  });

  test.each([
    [1, { outcome: "success", exitCode: 0 }],
    [2, { outcome: "failure", signal: "SIGINT" }],
  ])("a process that a Ctrl-C hits %i times before it has begun is started once more", async (hits, expected) => {
    await using host = createLocalHost();
    await using job = await openTestJob(host, [
      runStep("make", 'echo "$HOME/bin" >> $GITHUB_PATH'),
      runStep("one", 'echo "$SIGNALBOX_STEP" >> "$HOME/ran"'),
    ]);
    const bin = join(job.directory, "bin");
    mkdirSync(bin);
    // Stands for the moment between the start of a process and its first act.
    const hit = `#!/bin/sh\necho hit >> "$HOME/hits"\n[ $(wc -l < "$HOME/hits") -gt ${hits} ] || kill -INT $$\nexec /bin/bash "$@"\n`;
    await job.walk("make");
    writeFileSync(join(bin, "bash"), hit, { mode: 0o755 });
    expect(await job.walk("one")).toMatchObject(expected);
    expect(readFileSync(join(job.directory, "hits"), "utf8")).toBe("hit\nhit\n");
  });

  test("a host that is stopped begins no step any more: its attempt is interrupted, and has no end", async () => {
    const host = createLocalHost();
    await using job = await openTestJob(host, [runStep("one", "sleep 1000"), runStep("two", 'echo ran >> "$HOME/ran"')]);
    await job.prepare("one");
    await job.prepare("two");
    const begun = Promise.withResolvers<void>();
    const one = job.run("one", ({ kind }) => kind === "started" && begun.resolve());
    await begun.promise;
    const stopped = host[Symbol.asyncDispose]();
    await expect(job.run("two")).rejects.toMatchObject({ code: "SHUT_DOWN" });
    await expect(one).rejects.toMatchObject({ code: "SHUT_DOWN" });
    await stopped;
    expect(readdirSync(join(job.directory, "spool", "build")).filter((name) => name.endsWith(".ended"))).toEqual([]);
  });

  test("a step's own BASH_ENV holds, and of ours nothing is left in its environment", async () => {
    await using host = createLocalHost();
    const script = 'echo "$FROM_BASH_ENV,${BASH_ENV-none},$(env | grep -c SIGNALBOX_B)"';
    const plain = [undefined, "bash", "bash -e {0}", "sh"].map((shell, index) =>
      runStep(`plain${index}`, script, shell === undefined ? {} : { shell: text(shell) }),
    );
    const own = plain.slice(0, 3).map((step, index) => ({ ...step, key: `own${index}`, env: mapping({ BASH_ENV: text("own env") }) }));
    const gone = runStep("gone", script, { env: mapping({ BASH_ENV: text("no such file") }) });
    await using job = await openTestJob(host, [...plain, ...own, gone]);
    writeFileSync(join(job.directory, "work", "own env"), "FROM_BASH_ENV=yes\n");
    const lines: string[] = [];
    for (const { key } of [...plain, ...own, gone]) {
      const { log, outcome } = await job.walk(key);
      expect(outcome).toBe("success");
      lines.push(readFileSync(join(job.directory, log.file), "utf8").split("\n").at(-2) ?? "");
    }
    expect(lines).toEqual([...Array<string>(4).fill(",none,0"), ...Array<string>(3).fill("yes,own env,0"), ",no such file,0"]);
  });

  test("a missing shell is a failure that says so", async () => {
    await using host = createLocalHost();
    await using job = await openTestJob(host, [runStep("one", ":", { shell: text("nosuchshell {0}") })]);
    expect(await job.walk("one")).toMatchObject({ outcome: "failure", message: expect.stringContaining("nosuchshell: command not found") });
  });
});
