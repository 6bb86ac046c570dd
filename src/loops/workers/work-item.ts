// What goes to workers out of process and what comes back, as the loop speaks of it. The words lie in the model, because
// the codec of the wire speaks them too.

export type * from "../../model/work-item.ts";
export { WORK_SORTS } from "../../model/work-item.ts";
