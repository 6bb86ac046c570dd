// What evaluation uses of the official package: one module, so that a bundle loads it as one file.

export * as ast from "@actions/expressions/ast";
export * as data from "@actions/expressions/data/index";
export { Evaluator } from "@actions/expressions/evaluator";
export { wellKnownFunctions } from "@actions/expressions/funcs";
export { Lexer, TokenType } from "@actions/expressions/lexer";
export { Parser } from "@actions/expressions/parser";
export { equals } from "@actions/expressions/result";
