// The command as users have it, built into a folder of its own: quick to start, and nobody else's build touches it.

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundle, root } from "../../scripts/bundle.ts";

export class BuiltCommand implements Disposable {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** `more`: entries of a test beside those that are published, by name; paths from the project's root. */
  static async build(more: { readonly [name: string]: string } = {}): Promise<BuiltCommand> {
    const folder = mkdtempSync(join(tmpdir(), "signalbox-built-"));
    mkdirSync(join(folder, "dist"));
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }\n');
    // What is not bundled is found as in an installed package.
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    await bundle(join(folder, "dist"), more);
    return new BuiltCommand(folder);
  }

  get program(): string {
    return this.entry("signalbox");
  }

  entry(name: string): string {
    return join(this.folder, "dist", `${name}.js`);
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
