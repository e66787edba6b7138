// Names and messages of the remote command protocols (source: k8s.io/cri-streaming/pkg/streaming/remotecommand).
export const spdyProtocols = ['v4.channel.k8s.io', 'v3.channel.k8s.io', 'v2.channel.k8s.io', 'channel.k8s.io'] as const

export interface CommandOptions {
  stdin: boolean
  stdout: boolean
  stderr: boolean
  tty: boolean
}

export interface TerminalSize {
  width: number
  height: number
}

/** How a command ended. `error` is for one that could not be run. */
export type Outcome = { exitCode: number } | { error: string }

/** The document on the error stream, from protocol version 4 on. */
export function renderOutcome(outcome: Outcome): string {
  if ('error' in outcome) return JSON.stringify({ status: 'Failure', message: `Internal error occurred: ${outcome.error}`, reason: 'InternalError', code: 500 })
  if (outcome.exitCode === 0) return JSON.stringify({ status: 'Success' })
  return JSON.stringify({
    status: 'Failure', message: outcomeText(outcome), reason: 'NonZeroExitCode', details: { causes: [{ reason: 'ExitCode', message: String(outcome.exitCode) }] },
  })
}

/** What older protocols get: nothing for success. */
export function outcomeText(outcome: Outcome): string {
  if ('error' in outcome) return `Internal error occurred: ${outcome.error}`
  return outcome.exitCode === 0 ? '' : `command terminated with non-zero exit code: exit status ${outcome.exitCode}`
}

export function parseOutcome(document: string): Outcome {
  if (document === '') return { exitCode: 0 }
  let status: { status?: string; message?: string; reason?: string; details?: { causes?: { reason?: string; message?: string }[] } }
  try {
    status = JSON.parse(document)
  } catch {
    return { error: document }
  }
  if (status.status === 'Success') return { exitCode: 0 }
  const exitCode = Number(status.details?.causes?.find((cause) => cause.reason === 'ExitCode')?.message ?? NaN)
  return status.reason === 'NonZeroExitCode' && Number.isInteger(exitCode) ? { exitCode } : { error: status.message ?? document }
}

/** A message of the resize stream: one JSON document each. */
export function parseSize(text: string): TerminalSize | undefined {
  try {
    const { Width: width, Height: height } = JSON.parse(text) as { Width: number; Height: number }
    return Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0 ? { width, height } : undefined
  } catch {
    return undefined
  }
}

export const renderSize = ({ width, height }: TerminalSize): string => `${JSON.stringify({ Width: width, Height: height })}\n`
