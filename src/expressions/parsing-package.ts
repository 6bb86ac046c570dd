// What parsing uses of the official packages: one module, so that a bundle loads it as one file. The schemas are taken
// by their place, because the package exports only loaders for them, which import JSON in a way that Node refuses.

export { FeatureFlags } from "@actions/expressions/features";
export { TemplateSchema } from "@actions/workflow-parser/templates/schema/template-schema";
export { TemplateContext, TemplateValidationErrors } from "@actions/workflow-parser/templates/template-context";
export { readTemplate } from "@actions/workflow-parser/templates/template-reader";
export {
  BasicExpressionToken,
  BooleanToken,
  ExpressionToken,
  InsertExpressionToken,
  MappingToken,
  NullToken,
  NumberToken,
  SequenceToken,
  StringToken,
} from "@actions/workflow-parser/templates/tokens/index";
export { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
export { default as workflowSchema } from "../../node_modules/@actions/workflow-parser/dist/workflow-v1.0.min.json" with { type: "json" };
