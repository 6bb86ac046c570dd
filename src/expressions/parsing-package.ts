// What parsing uses of the official packages: one module, so that a bundle loads it as one file.

export { FeatureFlags } from "@actions/expressions/features";
export { getWorkflowSchema } from "@actions/workflow-parser/workflows/workflow-schema";
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
