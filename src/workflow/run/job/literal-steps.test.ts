import { describe, expect, it } from "vitest";
import type { RunStepPlan } from "../../../model/plan.ts";
import type { TemplateToken } from "../../../model/template.ts";
import { expression } from "../fake-expressions.ts";
import { condition, job, run, waitAll, workflow } from "../fake-plans.ts";
import { literalControl, literalSteps } from "./literal-steps.ts";

const text = (value: string): TemplateToken => ({ kind: "string", value });
const entry = (key: string, value: TemplateToken): TemplateToken => ({ kind: "mapping", entries: [{ key: text(key), value }] });
const inserted: TemplateToken = { kind: "mapping", entries: [{ key: { kind: "insert" }, value: expression("github.event") }] };

function traitsOf(more: Partial<RunStepPlan>, around: Parameters<typeof job>[1] = {}, above: Parameters<typeof workflow>[1] = {}) {
  const step = { ...run("s", { run: "\n  make all\nmake check" }), ...more } as RunStepPlan;
  const plan = job("a", { steps: [step], ...around });
  return literalSteps(workflow([plan], above), plan).get("s");
}

describe("literal steps", () => {
  it("are called what the file says, or by the first line of their script", () => {
    expect(traitsOf({})).toEqual({ name: "Run make all", continueOnError: false });
    expect(traitsOf({ name: text("Make") })).toEqual({ name: "Make", continueOnError: false });
    expect(traitsOf({ name: text("") })?.name).toBe("Run make all");
    expect(traitsOf({ continueOnError: { kind: "boolean", value: true } })?.continueOnError).toBe(true);
  });

  it("may have all keys with plain values, and so may their job and workflow", () => {
    const env = entry("A", { kind: "number", value: 1 });
    const defaults = { shell: text("bash"), workingDirectory: text("sub") };
    const step = { env, shell: text("sh"), workingDirectory: text("."), timeoutMinutes: { kind: "number", value: 5 } } as const;
    expect(traitsOf(step, { env, defaults }, { env, defaults })).toBeDefined();
  });

  it.each<[string, Partial<RunStepPlan>]>([
    ["run", { run: expression("github.sha") }],
    ["name", { name: expression("github.sha") }],
    ["env", { env: entry("A", expression("secrets.A")) }],
    ["env as a whole", { env: expression("fromJSON('{}')") }],
    ["env that is inserted", { env: inserted }],
    ["name in env", { env: { kind: "mapping", entries: [{ key: expression("'A'"), value: text("1") }] } }],
    ["shell", { shell: expression("matrix.shell") }],
    ["working-directory", { workingDirectory: expression("matrix.folder") }],
    ["timeout-minutes", { timeoutMinutes: expression("1") }],
    ["timeout-minutes that is no number", { timeoutMinutes: text("soon") }],
    ["continue-on-error", { continueOnError: expression("true") }],
    ["continue-on-error that is no boolean", { continueOnError: text("yes") }],
    ["condition", { if: condition("always()") }],
    ["condition with an implied success()", { if: { ...condition("success() && (github.ref == 'x')"), isDefault: true } }],
    ["background", { background: true }],
  ])("are none with another %s", (_, more) => {
    expect(traitsOf(more)).toBeUndefined();
  });

  it("are none where their job or workflow has an expression that they see", () => {
    const env = entry("A", expression("vars.A"));
    const defaults = { shell: expression("vars.SHELL") };
    expect(traitsOf({}, { env })).toBeUndefined();
    expect(traitsOf({}, { defaults })).toBeUndefined();
    expect(traitsOf({}, {}, { env })).toBeUndefined();
    expect(traitsOf({}, {}, { defaults: { workingDirectory: expression("vars.FOLDER") } })).toBeUndefined();
  });

  it("control steps: by their name, or what they do", () => {
    const step = waitAll("w");
    if (step.kind !== "wait-all") throw new Error(step.kind);
    expect(literalControl(step)).toEqual({ name: "Wait for all", continueOnError: false });
    expect(literalControl({ ...step, name: text("Join"), continueOnError: { kind: "boolean", value: true } })).toEqual({
      name: "Join",
      continueOnError: true,
    });
    expect(literalControl({ ...step, name: expression("github.sha") })).toBeUndefined();
    expect(literalControl({ ...step, continueOnError: text("yes") })).toBeUndefined();
  });
});
