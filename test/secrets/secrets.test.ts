// Secrets stand in no file of the run and in nothing that is printed: after a run, right after a kill, and after a resume.
// They are planted wherever a workflow can put one, in each form in which tools print them.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BuiltCommand } from "../command/built-command.ts";
import { type Command, CommandSandbox, type Ended } from "../command/command-sandbox.ts";

const OPTION = "correct horse/battery+staple";
const ENVIRONMENT = "env=9f83&kd7\"q'x";
const FILE = "first-line-of-5521\nsecond-line-of-7733";
const JSON_SECRET = '{"user":"ada-lovelace","password":"p\\"q-93847"}';
const MADE = "made-in-the-run-31415";
const LATER = "made-by-the-background-27182";

/** Everything that must not be found, and what it was made from. */
const FORMS: readonly (readonly [string, string])[] = [
  ...[OPTION, ENVIRONMENT, ...FILE.split("\n"), JSON_SECRET, MADE, LATER].flatMap((secret): readonly (readonly [string, string])[] => [
    ["plain", secret],
    ["base64", Buffer.from(secret).toString("base64").replace(/=+$/, "").slice(0, -1)],
    ["URL", encodeURIComponent(secret)],
    ["JSON", JSON.stringify(secret).slice(1, -1)],
    ["JSON in JSON", JSON.stringify(JSON.stringify(secret)).slice(3, -3)],
  ]),
  ["base64 of all lines", Buffer.from(FILE).toString("base64").slice(0, -4)],
  ["URL of all lines", encodeURIComponent(FILE)],
  // As a parser's message quotes the beginning of what it could not read.
  ["the beginning", OPTION.slice(0, 10)],
];

const FORMS_SCRIPT = `import base64, json, os, sys, time, urllib.parse
for name in ("OPTION", "ENVIRONMENT", "FILE", "JSON_SECRET", "MADE", "LATER"):
    secret = os.environ.get(name, "")
    if not secret: continue
    print("plain", secret)
    print("base64", base64.b64encode(secret.encode()).decode(), base64.b64encode(("u:" + secret).encode()).decode())
    print("url", urllib.parse.quote(secret, safe=""), urllib.parse.quote_plus(secret), "https://u:" + urllib.parse.quote(secret, safe="") + "@host/")
    print("json", json.dumps(secret), json.dumps(json.dumps({"a": secret})), json.dumps({"b": [secret]}))
    for at in range(1, len(secret), 3):
        sys.stdout.write("cut "); sys.stdout.write(secret[:at]); sys.stdout.flush(); time.sleep(0.0005)
        sys.stdout.write(secret[at:]); sys.stdout.write("\\n"); sys.stdout.flush()
    print(secret, file=sys.stderr)
    sys.stdout.write("no end of line " + secret); sys.stdout.flush()
    print()
`;

const WORKFLOW = `on: push
env:
  AT_THE_TOP: \${{ secrets.OPTION }}
jobs:
  plant:
    name: plant
    runs-on: ubuntu-latest
    env:
      OPTION: \${{ secrets.OPTION }}
      ENVIRONMENT: \${{ secrets.ENVIRONMENT }}
      FILE: \${{ secrets.FILE }}
      JSON_SECRET: \${{ secrets.JSON_SECRET }}
    outputs:
      secret: \${{ steps.values.outputs.secret }}
      made: \${{ steps.values.outputs.made }}
      plain: \${{ steps.values.outputs.plain }}
    steps:
      - uses: actions/checkout@v4
      - name: forms of \${{ secrets.OPTION }} and \${{ secrets.JSON_SECRET }}
        run: python3 forms.py; echo "\${{ secrets.OPTION }}"; echo '\${{ toJSON(secrets.OPTION) }}'
      - id: values
        name: values
        run: |
          MADE="made-in-the"; MADE="$MADE-run-31415"
          echo "::add-mask::$MADE"
          echo "MADE=$MADE" >> "$GITHUB_ENV"
          echo "made=$MADE" >> "$GITHUB_OUTPUT"
          echo "secret=prefix $OPTION" >> "$GITHUB_OUTPUT"
          printf 'lines<<E\\n%s\\nE\\n' "$FILE" >> "$GITHUB_OUTPUT"
          echo "plain=harmless" >> "$GITHUB_OUTPUT"
          printf 'FROM_FILE<<E\\n%s\\nE\\n' "$FILE" >> "$GITHUB_ENV"
          mkdir -p "$RUNNER_TEMP/$ENVIRONMENT"; echo "$RUNNER_TEMP/$ENVIRONMENT" >> "$GITHUB_PATH"
          echo "summary: $OPTION $MADE $FILE" >> "$GITHUB_STEP_SUMMARY"
          echo "::notice file=$OPTION.txt,line=3,title=$MADE::said $JSON_SECRET"
          echo "::warning::$ENVIRONMENT"
          echo "::group::$OPTION"; echo "::endgroup::"; echo "::debug::$OPTION"
          echo "a.txt:3: error: $ENVIRONMENT" | sed 's/^/matched /'
      - name: later \${{ steps.values.outputs.made }} \${{ env.MADE }}
        run: |
          test "\${{ steps.values.outputs.made }}" = "$MADE"
          test "\${{ steps.values.outputs.secret }}" = "prefix $OPTION"
          test "$FROM_FILE" = "$FILE"
          python3 forms.py
      - name: a folder that is not there
        continue-on-error: true
        working-directory: \${{ secrets.OPTION }}/\${{ steps.values.outputs.made }}
        run: echo never
      - name: no timeout
        continue-on-error: true
        timeout-minutes: \${{ secrets.ENVIRONMENT }}
        run: echo never
      - name: a broken expression
        continue-on-error: true
        run: echo \${{ fromJSON(secrets.OPTION) }}
      - name: hashed \${{ hashFiles(secrets.OPTION, steps.values.outputs.made) }}
        run: echo "\${{ hashFiles(format('{0}/*', secrets.ENVIRONMENT)) }}"
      - name: exit
        continue-on-error: true
        run: echo "::error title=$OPTION::failed with $MADE and $FILE"; exit 3
      - name: commands that are wrong
        continue-on-error: true
        run: echo "$OPTION" >> "$GITHUB_ENV"; echo "no=$ENVIRONMENT" >> "$GITHUB_STATE"
      - id: action
        uses: ./actions/keep
        with:
          secret: \${{ secrets.OPTION }}
      - id: composite
        uses: ./actions/inner
        with:
          secret: \${{ env.MADE }}
      - run: test "\${{ steps.composite.outputs.passed }}" = "<$MADE>"
      - id: later
        background: true
        run: |
          LATER="made-by-the"; LATER="$LATER-background-27182"
          echo "::add-mask::$LATER"
          echo "LATER=$LATER" >> "$GITHUB_ENV"
          echo "$LATER" > "$SANDBOX/later"
          LATER=$LATER python3 forms.py
          sleep 600
      - run: if [ -n "\${{ env.INHERITED }}$INHERITED" ]; then test "$INHERITED" = "x$ENVIRONMENT"; fi
      - name: kill here
        run: |
          until [ -s "$SANDBOX/later" ]; do sleep 0.005; done
          export LATER="$(cat "$SANDBOX/later")"
          until grep -qs "add-mask" "$SANDBOX"/state/*/*/logs/plant/later.*.log 2> /dev/null || [ -e "$SANDBOX/masked" ]; do sleep 0.005; done
          python3 forms.py
          echo > "$SANDBOX/here"
          if [ ! -e "$SANDBOX/go" ]; then sleep 600; fi
      - cancel: later
      - name: after \${{ secrets.FILE }}
        run: python3 forms.py; cat "$SANDBOX/later"
  use:
    needs: plant
    name: use \${{ needs.plant.outputs.plain }} \${{ needs.plant.outputs.secret }}
    runs-on: ubuntu-latest
    steps:
      - run: echo "[\${{ needs.plant.outputs.secret }}] [\${{ needs.plant.outputs.made }}] [\${{ needs.plant.outputs.plain }}]"
  called:
    uses: ./called.yml
    with:
      given: \${{ needs.plant.outputs.plain }}
    needs: plant
    secrets:
      passed: \${{ secrets.JSON_SECRET }}
`;

const FILES = {
  "secrets.yml": WORKFLOW,
  "forms.py": FORMS_SCRIPT,
  "called.yml": `on:
  workflow_call:
    inputs:
      given:
        type: string
    secrets:
      passed:
        required: true
    outputs:
      out:
        value: \${{ jobs.inside.outputs.out }}
jobs:
  inside:
    runs-on: ubuntu-latest
    outputs:
      out: \${{ steps.s.outputs.out }}
    steps:
      - id: s
        env:
          PASSED: \${{ secrets.passed }}
        run: |
          echo "$PASSED"; echo "out=$PASSED" >> "$GITHUB_OUTPUT"
          test "$(printf %s "$PASSED" | wc -c)" = ${JSON_SECRET.length}
`,
  "actions/keep/action.yml":
    "name: keep\ninputs:\n  secret:\n    required: true\nruns:\n  using: node24\n  main: main.mjs\n  post: post.mjs\n",
  "actions/keep/main.mjs": `import { appendFileSync } from "node:fs";
console.log("input " + process.env.INPUT_SECRET);
appendFileSync(process.env.GITHUB_STATE, "kept=" + process.env.INPUT_SECRET + "\\n");
throw Object.assign(new Error("none"), { name: "Quiet" }) && process.exit(0);
`,
  "actions/keep/post.mjs": `console.log("kept " + process.env.STATE_kept);
if (process.env.STATE_kept !== process.env.INPUT_SECRET) process.exit(9);
`,
  "actions/inner/action.yml": `name: inner
inputs:
  secret:
    required: true
outputs:
  passed:
    value: <\${{ inputs.secret }}>
runs:
  using: composite
  steps:
    - name: inner \${{ inputs.secret }}
      shell: bash
      run: echo "\${{ inputs.secret }}"; echo "INNER=\${{ inputs.secret }}" >> "$GITHUB_ENV"
`,
};

let built: BuiltCommand;
beforeAll(async () => {
  built = await BuiltCommand.build();
});
afterAll(() => built[Symbol.dispose]());

class SecretsSandbox extends CommandSandbox {
  readonly #printed: string[] = [];

  constructor() {
    super(built.program, FILES);
    // Outside the repository, where no checkout takes it.
    this.write("../secrets.env", `FILE="${FILE}"\n`);
  }

  begin(...more: readonly string[]): Command {
    const secrets = ["--secret", `OPTION=${OPTION}`, "--secret", "ENVIRONMENT", "--secret", "JSON_SECRET"];
    return this.startRun("secrets.yml", [...secrets, "--secrets-file", join(this.root, "secrets.env"), ...more], this.#given());
  }

  printed({ output, errors }: Pick<Ended, "output" | "errors">): void {
    this.#printed.push(output, errors);
  }

  async ask(...args: readonly string[]): Promise<Ended> {
    const ended = await this.run(args, this.#given());
    this.printed(ended);
    return ended;
  }

  /** Looks at all files, and at what every command prints about the run. */
  async isSilent(): Promise<void> {
    await this.ask("show", "latest");
    await this.ask("show", "latest", "--json");
    await this.ask("show", "latest", "--events");
    await this.ask("logs", "latest");
    await this.ask("list", "--json");
    const places = [
      ...this.stateFiles().map((file) => [file, readFileSync(file)] as const),
      ...this.#printed.map((text, index) => [`output ${index}`, Buffer.from(text)] as const),
    ];
    expect(places.length).toBeGreaterThan(20);
    const found = places.flatMap(([place, bytes]) =>
      FORMS.flatMap(([form, text]) => {
        const at = bytes.indexOf(text);
        return at < 0 ? [] : [`${place}: ${form} of ${text}: ...${bytes.toString("latin1", Math.max(0, at - 60), at + text.length + 40)}`];
      }),
    );
    expect(found.join("\n")).toBe("");
  }

  #given() {
    return { environment: { ENVIRONMENT, JSON_SECRET, INHERITED: `x${ENVIRONMENT}` } };
  }
}

describe.runIf(process.platform === "linux")("no secret is found", () => {
  test.each(["json", "stream", "tree"])("after a run, and in what --ui %s prints", async (ui) => {
    using sandbox = new SecretsSandbox();
    sandbox.write("../go", "");
    const ended = await sandbox.begin("--ui", ui).ended;
    sandbox.printed(ended);
    await sandbox.isSilent();
    expect([ended.exitCode, ended.output.length]).toEqual([0, expect.any(Number)]);
  });

  test("right after a kill, and after the resume, which finds them where they came from", async () => {
    using sandbox = new SecretsSandbox();
    const command = sandbox.begin("--json");
    await sandbox.made("here", command);
    sandbox.printed(await command.killed());
    await sandbox.isSilent();
    sandbox.write("../go", "");
    // One was given as an option, which nobody remembers: without it nothing is run.
    const refused = await sandbox.ask("resume", "--ui", "none");
    expect([refused.exitCode, refused.errors]).toEqual([2, expect.stringMatching(/OPTION.*Nothing was run/s)]);
    const resumed = await sandbox.ask("resume", "--json", "--secret", `OPTION=${OPTION}`);
    await sandbox.isSilent();
    expect(resumed.exitCode).toBe(0);
  });

  test("where the environment that a run takes over holds one", async () => {
    using sandbox = new SecretsSandbox();
    sandbox.write("../go", "");
    const ended = await sandbox.begin("--ui", "none", "--inherit-env").ended;
    sandbox.printed(ended);
    await sandbox.isSilent();
    expect(ended.exitCode).toBe(0);
    const again = await sandbox.ask("rerun", "latest", "--ui", "none", "--secret", `OPTION=${OPTION}`);
    await sandbox.isSilent();
    expect(again.exitCode).toBe(0);
  });
});
