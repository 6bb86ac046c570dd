// A repository, a state directory and an environment of their own for a test of runs, gone afterwards.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { openSessions } from "../../src/cli/session/open-sessions.ts";
import { realDependencies } from "../../src/cli/session/real-dependencies.ts";
import type { GivenSecrets, Sessions, StartRequest } from "../../src/cli/session/session.ts";
import type { RunInputs } from "../../src/model/run-view.ts";

const FILE = ".github/workflows/ci.yml";

export const NO_SECRETS: GivenSecrets = { values: {}, sources: {} };

export class Sandbox implements Disposable {
  readonly root = mkdtempSync(join(tmpdir(), "runs-"));
  readonly repository = join(this.root, "repository");
  readonly state = join(this.root, "state");
  readonly environment = {
    PATH: process.env["PATH"],
    HOME: join(this.root, "home"),
    XDG_RUNTIME_DIR: join(this.root, "run"),
    XDG_DATA_HOME: join(this.root, "data"),
  };

  constructor() {
    mkdirSync(this.repository);
    mkdirSync(this.environment.HOME);
    execFileSync("git", ["init", "-q"], { cwd: this.repository });
  }

  sessions(environment: { readonly [name: string]: string } = {}): Promise<Sessions> {
    return openSessions({
      stateDirectory: this.state,
      repository: this.repository,
      environment: { ...this.environment, ...environment },
    });
  }

  write(path: string, text: string): string {
    const file = join(this.repository, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  }

  /** Records the workflow file and makes the request that starts it. */
  async request(workflow: string, options: Partial<RunInputs["options"]> = {}, secrets: GivenSecrets = NO_SECRETS): Promise<StartRequest> {
    const file = this.write(FILE, workflow);
    const source = readFileSync(file);
    const { plan, diagnostics } = await realDependencies.readWorkflow(source, FILE);
    if (plan === undefined) throw new Error(JSON.stringify(diagnostics));
    return {
      plan,
      file,
      source,
      secrets,
      notices: ["first of all"],
      inputs: {
        event: "push",
        eventPayload: {},
        inputs: {},
        vars: {},
        secrets: Object.entries(secrets.sources).map(([name, from]) => ({ name, source: from })),
        baseEnvironment: { PATH: process.env["PATH"] ?? "/usr/bin:/bin", HOME: this.environment.HOME },
        options: {
          maxJobs: 2,
          maxBackground: 10,
          inPlace: false,
          unsupported: "fail",
          onInterrupt: "rerun",
          actionFolders: {},
          ...options,
        },
      },
    };
  }

  read(path: string): string {
    return readFileSync(join(this.root, path), "utf8");
  }

  /** Every file of the state directory but what steps themselves wrote. */
  stateFiles(): readonly string[] {
    return readdirSync(this.state, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.parentPath.includes("/work/"))
      .map((entry) => join(entry.parentPath, entry.name));
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
