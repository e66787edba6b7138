// From one look at the machine to the next: which node conditions hold, and which threshold demands action now. Pure.
// A condition lasts for the transition period after it was last seen, so that it does not flap; a threshold stays met until its minimum reclaim is free.
import { crossed, signals, type Observations, type PressureCondition, type Threshold } from './thresholds.ts'

export interface PressureState {
  firstCrossed: ReadonlyMap<Threshold, number>
  lastSeen: ReadonlyMap<PressureCondition, number>
  met: readonly Threshold[]
}

interface PressureInput {
  state: PressureState
  thresholds: readonly Threshold[]
  observations: Observations
  /** Monotonic. */
  now: number
  transitionMilliseconds: number
}

interface PressureVerdict {
  state: PressureState
  conditions: PressureCondition[]
  /** Crossed for longer than their grace period, the most urgent one first. */
  met: readonly Threshold[]
}

export const noPressure: PressureState = { firstCrossed: new Map(), lastSeen: new Map(), met: [] }

export function judgePressure({ state, thresholds, observations, now, transitionMilliseconds }: PressureInput): PressureVerdict {
  const holding = new Set([...crossed(thresholds, observations, { reclaiming: false }), ...crossed(state.met, observations, { reclaiming: true })])
  const held = thresholds.filter((threshold) => holding.has(threshold))
  const firstCrossed = new Map(held.map((threshold) => [threshold, state.firstCrossed.get(threshold) ?? now]))
  const lastSeen = new Map(state.lastSeen)
  for (const { signal } of held) lastSeen.set(signals[signal].condition, now)
  for (const [condition, at] of lastSeen) if (now - at >= transitionMilliseconds && at !== now) lastSeen.delete(condition)
  const met = held.filter((threshold) => now - firstCrossed.get(threshold)! >= threshold.graceMilliseconds)
  return { state: { firstCrossed, lastSeen, met }, conditions: [...lastSeen.keys()], met }
}
