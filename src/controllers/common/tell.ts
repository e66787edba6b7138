// Steps that only tell users what happened.
import type { Stored } from '../../api/object.ts'
import type { EventType } from '../../client/event-recorder.ts'
import type { ExecutionContext } from '../../controller/definition.ts'

export interface TellStep {
  do: 'tell'
  object: Stored
  type: EventType
  reason: string
  message: string
}

export const tellExecutor = {
  tell: ({ object, type, reason, message }: TellStep, { events }: ExecutionContext): void => events.event(object, type, reason, message),
}
