import { expect, test } from "vitest";
import { fakeJob, fakeStep, fakeView } from "./fake-sessions.ts";
import { interruptedBackground } from "./overlapping-steps.ts";

const at = (seconds: number): string => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds)).toISOString();
const leftovers = (...steps: readonly string[]) => ({
  ended: [],
  interrupted: steps.map((step) => ({ job: "build", step, attempt: 1, killed: 0 })),
});
const view = fakeView({
  jobs: [
    fakeJob({
      key: "build",
      steps: [
        fakeStep({ number: 1, key: "server", name: "Server", background: true, status: "in_progress", startedAt: at(1), endedAt: null }),
        fakeStep({ number: 2, key: "slow", name: "Slow", background: true, status: "completed", startedAt: at(2), endedAt: at(3) }),
        fakeStep({ number: 3, key: "test", name: "Test", background: false, status: "completed", startedAt: at(2), endedAt: at(4) }),
      ],
    }),
  ],
});

test("B21: an interrupted background step that overlapped ended steps begins again first, and these are named", () => {
  expect(interruptedBackground(leftovers("server"), view, (host) => host)).toEqual([
    { job: "build", step: "server", name: "Server", beside: ["Slow", "Test"] },
  ]);
});

test("a background step whose end is in history is waited for by nobody, also where its end is not in the spool", () => {
  expect(interruptedBackground(leftovers("slow"), view, (host) => host)).toEqual([]);
});
