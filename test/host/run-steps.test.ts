import { readFileSync } from "node:fs";
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

  test("a missing shell is a failure that says so", async () => {
    await using host = createLocalHost();
    await using job = await openTestJob(host, [runStep("one", ":", { shell: text("nosuchshell {0}") })]);
    expect(await job.walk("one")).toMatchObject({ outcome: "failure", message: expect.stringContaining("nosuchshell: command not found") });
  });
});
