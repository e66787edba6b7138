// What a command may touch of the process that runs it.
export interface CliIo {
  arguments: readonly string[]
  environment: Readonly<Record<string, string | undefined>>
  /** Aborted by SIGTERM and SIGINT. */
  signal: AbortSignal
  out(text: string): void
  error(text: string): void
  /** Asks the person at the terminal for a line; absent where there is none. */
  ask?: (question: string) => Promise<string>
}

/** Ends a command with one line on standard error. */
export class CliError extends Error {
  override name = 'CliError'
  readonly exitCode: number
  constructor(message: string, exitCode = 1) {
    super(message)
    this.exitCode = exitCode
  }
}
