// Ids are branded strings: a hub is never passed where an instance is meant. Any text is a valid id, NUL and lone
// surrogates included; ids stay separate fields everywhere and are never joined into one string (E10).

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** A namespace of instances; instances in different hubs never see each other. */
export type HubName = Branded<"HubName">;
/** Names one orchestration within its hub, over all its executions. */
export type InstanceId = Branded<"InstanceId">;
/** Names one execution of an instance; a new one is minted at continue-as-new, restart and replacement. */
export type ExecutionId = Branded<"ExecutionId">;
/** The id of an action within one execution: 1, 2, 3, ...; its resolution refers to it. */
export type ActionId = number;

export const asHubName = (text: string): HubName => text as HubName;
export const asInstanceId = (text: string): InstanceId => text as InstanceId;
export const asExecutionId = (text: string): ExecutionId => text as ExecutionId;

export const DEFAULT_HUB: HubName = asHubName("default");

/** Where an instance is found. */
export interface InstanceKey {
  readonly hub: HubName;
  readonly instanceId: InstanceId;
}
