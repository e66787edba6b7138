/** Why a container does not start now, as its status shows it. */
export class StartError<Reason extends string = string> extends Error {
  override name = 'StartError'
  readonly reason: Reason
  /** Monotonic time before which another try makes no sense. */
  readonly retryAt: number
  constructor(reason: Reason, message: string, retryAt: number) {
    super(message)
    this.reason = reason
    this.retryAt = retryAt
  }
}
