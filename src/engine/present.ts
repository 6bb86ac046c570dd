export { present } from "../model/present.ts";
