// What a `uses:` names.

export type UsesReference =
  /** `./path`, or `$/path`: in the repository of the workflow. */
  | { readonly kind: "local"; readonly path: string }
  | { readonly kind: "docker"; readonly image: string }
  | {
      readonly kind: "repository";
      readonly owner: string;
      readonly repository: string;
      /** Inside the repository; empty for its root. */
      readonly path: string;
      readonly ref: string;
    }
  | { readonly kind: "invalid"; readonly problem: string };

export function parseUses(uses: string): UsesReference {
  if (uses.startsWith("./") || uses.startsWith(".\\") || uses === ".") return localReference(uses.slice(1));
  if (uses.startsWith("$/")) return localReference(uses.slice(1));
  if (uses.startsWith("docker://")) {
    const image = uses.slice("docker://".length);
    return image === "" ? { kind: "invalid", problem: `'${uses}' names no image.` } : { kind: "docker", image };
  }
  const [target = "", ref, ...rest] = uses.split("@");
  const [owner = "", repository = "", ...path] = target.split(/[\\/]/).filter((segment) => segment !== "");
  if (ref === undefined || ref === "" || rest.length > 0 || owner === "" || repository === "") {
    const problem = `Expected format {owner}/{repo}[/path]@{ref}, ./path or docker://image. Actual '${uses}'`;
    return { kind: "invalid", problem };
  }
  if (isShortSha(ref)) {
    const problem = `'${uses}' names a shortened commit, which could come to mean another one. Use the full 40-character SHA, a tag or a branch.`;
    return { kind: "invalid", problem };
  }
  return { kind: "repository", owner, repository, path: path.join("/"), ref };
}

function localReference(path: string): UsesReference {
  const segments = path.split(/[\\/]/).filter((segment) => segment !== "" && segment !== ".");
  if (segments.includes("..")) return { kind: "invalid", problem: "A local path must not lead out of the repository ('..')." };
  return { kind: "local", path: segments.join("/") };
}

/** Letters and digits of both kinds: `deadbeef` alone could be a branch, `1234567` a tag, and the runner refuses neither. */
function isShortSha(ref: string): boolean {
  return /^[0-9a-f]{7,39}$/.test(ref) && /[0-9]/.test(ref) && /[a-f]/.test(ref);
}

/** Whether it is `actions/checkout` at any version. */
export function isCheckout(reference: UsesReference): boolean {
  return (
    reference.kind === "repository" &&
    reference.owner.toLowerCase() === "actions" &&
    reference.repository.toLowerCase() === "checkout" &&
    reference.path === ""
  );
}
