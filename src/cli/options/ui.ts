export const UI_KINDS = ["tree", "stream", "json", "none"] as const;
export type Ui = (typeof UI_KINDS)[number];
