// The life cycle every part of mk8s shares. A supervisor starts components in list order, stops them in reverse, under one deadline.

/** A started component. */
export interface Running {
  /** Resolves with the reason when the component can no longer do its work; never resolves while it is healthy. */
  readonly failed: Promise<Error>
  /** Releases everything the component holds. Must return before `deadline` aborts, with what could be done by then. */
  stop(deadline: AbortSignal): Promise<void>
}

export interface Component {
  readonly name: string
  /** Resolves when the component is ready to be used; rejects when it cannot start. `signal` aborts a start under way. */
  start(signal: AbortSignal): Promise<Running>
}
