// What a check says, and how checks are run: pure functions over what was observed, in tables.

/** `problem`: mk8s cannot run like this. `warning`: it runs, and something will not work as expected. */
export type Verdict = 'ok' | 'warning' | 'problem'

interface Outcome {
  verdict: Verdict
  /** What is the case; no full stop. */
  message: string
  /** What to do about it. */
  advice?: string
}

export interface Finding extends Outcome {
  check: string
}

export interface Check<Observed> {
  name: string
  /** Undefined where it does not apply. */
  look(observed: Observed): Outcome | undefined
}

export const ok = (message: string): Outcome => ({ verdict: 'ok', message })
export const warning = (message: string, advice?: string): Outcome => ({ verdict: 'warning', message, advice })
export const problem = (message: string, advice?: string): Outcome => ({ verdict: 'problem', message, advice })

export function examine<Observed>(checks: readonly Check<Observed>[], observed: Observed): Finding[] {
  return checks.flatMap(({ name, look }) => {
    const outcome = look(observed)
    return outcome ? [{ check: name, ...outcome }] : []
  })
}

/** As one line. */
export const inOneLine = ({ message, advice }: Finding): string => (advice ? `${message}: ${advice}` : message)
