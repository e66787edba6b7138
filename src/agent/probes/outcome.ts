// What one question to a container has told.
export interface Outcome {
  /** `error`: the probe could not be made; `inconclusive`: it says nothing. Neither counts. */
  result: 'success' | 'warning' | 'failure' | 'error' | 'inconclusive'
  output: string
}
