// A job of 40 steps that uses everything that a resume has to carry on: outputs, env, PATH, background steps and their
// deferred results, wait, cancel, parallel, a token that is masked while it is passed from step to step, a composite
// action, a JavaScript action with state and a post step; beside it a matrix, and a job that needs both.
//
// Every attempt of a step writes its marker (run, job, step, attempt) to $LEDGER as its first act. What a step prints depends
// only on what the job has given it, so the log of its last attempt is the same in every run.

interface RunStep {
  readonly id: string;
  readonly run: readonly string[];
  readonly more?: readonly string[];
}

const step = (id: string, run: readonly string[], more: readonly string[] = []): RunStep => ({ id, run, more });

const yaml = ({ id, run, more = [] }: RunStep, indent: string): string =>
  [
    `${indent}- id: ${id}`,
    `${indent}  name: ${id}`,
    ...more.map((line) => `${indent}  ${line}`),
    `${indent}  run: |`,
    `${indent}    echo "$SIGNALBOX_STEP" >> "$LEDGER"`,
    ...run.map((line) => `${indent}    ${line}`),
  ].join("\n");

const sum = (name: string): string => `echo "${name} is $(printf %s "$TOKEN" | sha256sum | cut -c1-16)"`;
/** Links of a chain: each sees the output, the variable and the folder in PATH of the one before, and adds its own. */
const link = (number: number): RunStep =>
  step(
    `link${number}`,
    [
      'COUNT=$((COUNT + 1)); echo "COUNT=$COUNT" >> "$GITHUB_ENV"',
      `echo "n=$((BEFORE + 1))" >> "$GITHUB_OUTPUT"`,
      ...(number % 4 === 0 ? [`mkdir -p "$RUNNER_TEMP/p${number}"; echo "$RUNNER_TEMP/p${number}" >> "$GITHUB_PATH"`] : []),
      `echo "link ${number}: $BEFORE, $COUNT, $(echo "$PATH" | tr : '\\n' | grep -c "$RUNNER_TEMP/p")"`,
    ],
    ["env:", `  BEFORE: \${{ steps.${number === 1 ? "start" : `link${number - 1}`}.outputs.n }}`],
  );

const MAIN: readonly (RunStep | string)[] = [
  "- id: checkout\n  uses: actions/checkout@v4",
  step("start", [
    'echo "n=0" >> "$GITHUB_OUTPUT"',
    'printf "TEXT<<E\\nline one\\nline two\\nE\\nCOUNT=0\\n" >> "$GITHUB_ENV"',
    "echo started",
  ]),
  step("tool", [
    'mkdir -p "$RUNNER_TEMP/bin"; printf "#!/bin/sh\\necho the tool says \\$1\\n" > "$RUNNER_TEMP/bin/tool"; chmod +x "$RUNNER_TEMP/bin/tool"',
    'echo "$RUNNER_TEMP/bin" >> "$GITHUB_PATH"',
  ]),
  step("use", ['tool "$TEXT"']),
  step("token", [
    'TOKEN="tok-$((6 * 7))-sesame/open+me"',
    'echo "::add-mask::$TOKEN"',
    'echo "token=$TOKEN" >> "$GITHUB_OUTPUT"',
    'echo "made $TOKEN"',
  ]),
  step(
    "pass",
    ['echo "the token is $TOKEN"', sum("its sum"), 'echo "PASSED=$TOKEN" >> "$GITHUB_ENV"'],
    ["env:", "  TOKEN: ${{ steps.token.outputs.token }}"],
  ),
  step("check", ['TOKEN="$PASSED"', 'echo "passed $PASSED"', sum("its sum")]),
  link(1),
  link(2),
  "- id: stamp\n  uses: ./actions/stamp\n  with:\n    text: ${{ steps.link2.outputs.n }}",
  step("stamped", ['echo "the stamp is ${{ steps.stamp.outputs.stamp }}, $STAMPED"']),
  "- id: watch\n  uses: ./actions/watch\n  with:\n    label: the job",
  step(
    "server",
    [
      "exec > /dev/null 2>&1",
      'rm -f "$RUNNER_TEMP/ready"; mkfifo "$RUNNER_TEMP/asks.$$"',
      'echo "$RUNNER_TEMP/asks.$$" > "$RUNNER_TEMP/ready.tmp"; mv "$RUNNER_TEMP/ready.tmp" "$RUNNER_TEMP/ready"',
      'while :; do read -r line < "$RUNNER_TEMP/asks.$$" && echo "$line" >> "$RUNNER_TEMP/asked"; done',
    ],
    ["background: true"],
  ),
  step("ready", ['until [ -e "$RUNNER_TEMP/ready" ]; do sleep 0.005; done', "echo the server is there"]),
  link(3),
  link(4),
  step(
    "slow",
    [
      'echo "v=late" >> "$GITHUB_OUTPUT"; echo "DEFERRED=yes" >> "$GITHUB_ENV"; mkdir -p "$RUNNER_TEMP/pslow"; echo "$RUNNER_TEMP/pslow" >> "$GITHUB_PATH"',
      "sleep 0.02; echo slow is done",
    ],
    ["background: true"],
  ),
  step("early", ['echo "early: [${{ steps.slow.outputs.v }}] [$DEFERRED]"']),
  "- id: waited\n  wait: slow",
  step("late", ['echo "late: [${{ steps.slow.outputs.v }}] [$DEFERRED] ${{ steps.slow.conclusion }}"']),
  link(5),
  `- parallel:\n${["one", "two", "three"].map((id) => yaml(step(id, [`echo "from=${id}" >> "$GITHUB_OUTPUT"; echo "P_${id}=1" >> "$GITHUB_ENV"; echo ${id}`]), "    ")).join("\n")}`,
  step("members", [
    'echo "members: ${{ steps.one.outputs.from }} ${{ steps.two.outputs.from }} ${{ steps.three.outputs.from }} $P_one$P_two$P_three"',
  ]),
  link(6),
  step("fails", ["echo it fails; exit 7"], ["continue-on-error: true"]),
  step("failed", ['echo "${{ steps.fails.outcome }} counts as ${{ steps.fails.conclusion }}"']),
  step("skipped", ["echo never"], ["if: ${{ steps.fails.outcome == 'success' }}"]),
  link(7),
  "- id: quiet\n  uses: ./actions/stamp\n  background: true\n  with:\n    text: behind",
  step("beside", ['echo "beside: [${{ steps.quiet.outputs.stamp }}]"']),
  "- id: stop\n  cancel: server",
  step("stopped", ['echo "the server was ${{ steps.server.conclusion }}"']),
  "- id: all\n  wait-all:",
  step("behind", ['echo "behind: ${{ steps.quiet.outputs.stamp }} $STAMPED"']),
  link(8),
  link(9),
  link(10),
  step("again", [
    'TOKEN="$PASSED"',
    'echo "again $PASSED"',
    sum("its sum"),
    'echo "sum=$(printf %s "$TOKEN" | wc -c)" >> "$GITHUB_OUTPUT"',
  ]),
  step("everything", [
    'env | grep -E "^(COUNT|TEXT|PASSED|DEFERRED|P_|STAMPED|PATH)" | sort | sed "s/:.*//"',
    'echo "$PATH" | tr : "\\n" | grep "$RUNNER_TEMP" | sed "s|$RUNNER_TEMP|TEMP|"',
  ]),
  step("end", ['echo "done after $COUNT"', 'echo "summary of $COUNT" >> "$GITHUB_STEP_SUMMARY"'], ["if: always()"]),
];

const entry = (one: RunStep | string): string => (typeof one === "string" ? one.replaceAll(/^/gm, "      ") : yaml(one, "      "));

export const STEPS = MAIN.length;

const WORKFLOW = `on: push
jobs:
  chain:
    runs-on: ubuntu-latest
    outputs:
      count: \${{ steps.link10.outputs.n }}
      size: \${{ steps.again.outputs.sum }}
    steps:
${MAIN.map(entry).join("\n")}
  cells:
    runs-on: ubuntu-latest
    strategy:
      matrix:
        cell: [a, b]
    steps:
${[step("first", ['echo "cell=${{ matrix.cell }}" >> "$GITHUB_OUTPUT"']), step("second", ['echo "in ${{ steps.first.outputs.cell }}"'])].map(entry).join("\n")}
  last:
    needs: [chain, cells]
    runs-on: ubuntu-latest
    steps:
${entry(step("tell", ['echo "count ${{ needs.chain.outputs.count }}, size ${{ needs.chain.outputs.size }}, cells ${{ needs.cells.result }}"']))}
`;

const STAMP = `name: stamp
inputs:
  text:
    required: true
outputs:
  stamp:
    value: \${{ steps.inner.outputs.stamp }}
runs:
  using: composite
  steps:
    - id: inner
      shell: bash
      run: |
        echo "$SIGNALBOX_STEP" >> "$LEDGER"
        echo "stamp=<\${{ inputs.text }}>" >> "$GITHUB_OUTPUT"
        echo "STAMPED=\${{ inputs.text }}" >> "$GITHUB_ENV"
    - shell: bash
      run: echo "stamped \${{ steps.inner.outputs.stamp }}"
`;

const WATCH = `name: watch
inputs:
  label:
    required: true
runs:
  using: node24
  main: main.mjs
  post: post.mjs
`;

export const FILES: { readonly [path: string]: string } = {
  "kill.yml": WORKFLOW,
  "actions/stamp/action.yml": STAMP,
  "actions/watch/action.yml": WATCH,
  "actions/watch/main.mjs": `import { appendFileSync } from "node:fs";
appendFileSync(process.env.LEDGER, process.env.SIGNALBOX_STEP + "\\n");
appendFileSync(process.env.GITHUB_STATE, "kept=" + process.env.INPUT_LABEL + "\\n");
console.log("watching " + process.env.INPUT_LABEL);
`,
  "actions/watch/post.mjs": `import { appendFileSync } from "node:fs";
appendFileSync(process.env.LEDGER, process.env.SIGNALBOX_STEP + "\\n");
console.log("watched " + process.env.STATE_kept + ", " + process.env.COUNT);
`,
};
