// What an action file says, checked and with its templates still unevaluated.

import type { WorkStepPlan } from "./plan.ts";
import type { TemplateToken } from "./template.ts";

export interface ActionDefinition {
  readonly name: string;
  readonly description?: string;
  readonly inputs: readonly ActionInput[];
  readonly outputs: readonly ActionOutput[];
  readonly runs: ActionRuns;
}

export interface ActionInput {
  readonly name: string;
  readonly required: boolean;
  /** May read github, strategy, matrix, job and runner. */
  readonly default?: TemplateToken;
  readonly deprecationMessage?: string;
}

export interface ActionOutput {
  readonly name: string;
  /** Of composite actions alone. */
  readonly value?: TemplateToken;
}

export type ActionRuns = CompositeRuns | NodeRuns | DockerRuns;

export interface CompositeRuns {
  readonly using: "composite";
  /** Their keys are unique in the action; none is a background step. */
  readonly steps: readonly WorkStepPlan[];
}

export interface NodeRuns {
  readonly using: "node12" | "node16" | "node20" | "node24";
  /** Relative to the action's folder, like `pre` and `post`. */
  readonly main: string;
  readonly pre?: string;
  /** Expressions; `always()` where the file says nothing. */
  readonly preIf: string;
  readonly post?: string;
  readonly postIf: string;
}

export interface DockerRuns {
  readonly using: "docker";
  readonly image: string;
}
