/** Of several control planes one does what must be done once: statuses, forgetting the lost, steps of a change of root. */
export interface Lead {
  isLeading(): boolean;
  /** Called when it is won or lost. */
  onChange(listener: (isLeading: boolean) => void): () => void;
}
