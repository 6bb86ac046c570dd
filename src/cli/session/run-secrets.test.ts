import { expect, test } from "vitest";
import { findSecrets, refuseMissing, type SecretPlaces } from "./run-secrets.ts";

const places = (more: Partial<SecretPlaces> = {}): SecretPlaces => ({
  environment: { FROM_ENV: "env" },
  given: { values: { GIVEN: "given", FROM_ENV: "given too" }, sources: {} },
  readSecretsFile: async (path) => {
    if (path === "/there") return { IN_FILE: "file" };
    throw new Error("no such file");
  },
  ...more,
});
const recorded = [
  { name: "FROM_ENV", source: "environment" },
  { name: "IN_FILE", source: "file:/there" },
  { name: "GIVEN", source: "option" },
  { name: "LOST", source: "file:/gone" },
];

test("secrets are looked for where they came from, then among those given; what is missing is named", async () => {
  const { values, missing } = await findSecrets(recorded, places());
  expect(Object.fromEntries(values)).toMatchObject({ FROM_ENV: "env", IN_FILE: "file", GIVEN: "given" });
  expect(missing).toEqual(["LOST"]);
  expect(() => refuseMissing("r1", missing)).toThrow(/LOST\. Nothing was run/);
  expect(() => refuseMissing("r1", [])).not.toThrow();
});

test("a person is asked last, and only for what is found nowhere", async () => {
  const asked: string[] = [];
  const { values, missing } = await findSecrets(
    recorded,
    places({
      askSecret: async (name) => {
        asked.push(name);
        return "typed";
      },
    }),
  );
  expect(asked).toEqual(["LOST"]);
  expect(values.get("LOST")).toBe("typed");
  expect(missing).toEqual([]);
});
