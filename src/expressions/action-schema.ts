// Apart from the workflow's schema: only runs with local actions need it.

export { default as actionSchema } from "../../node_modules/@actions/workflow-parser/dist/action-v1.0.min.json" with { type: "json" };
