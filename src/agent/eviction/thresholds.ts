// When something is too short on this machine (source: "Node-pressure Eviction", k8s.io/kubernetes pkg/kubelet/eviction). Pure.
import { parseQuantity, Quantity } from '../../api/quantity.ts'
import { parseDuration } from '../settings/duration.ts'

export const signals = {
  'memory.available': { resource: 'memory', condition: 'MemoryPressure' },
  'nodefs.available': { resource: 'ephemeral-storage', condition: 'DiskPressure' },
  'nodefs.inodesFree': { resource: 'inodes', condition: 'DiskPressure' },
  'imagefs.available': { resource: 'ephemeral-storage', condition: 'DiskPressure' },
  'imagefs.inodesFree': { resource: 'inodes', condition: 'DiskPressure' },
  'pid.available': { resource: 'pids', condition: 'PIDPressure' },
} as const

export type Signal = keyof typeof signals
export type Starved = (typeof signals)[Signal]['resource']
export type PressureCondition = (typeof signals)[Signal]['condition']

/** An amount, or a part of the capacity. */
type ThresholdValue = { quantity: Quantity } | { fraction: number }

export interface Threshold {
  signal: Signal
  value: ThresholdValue
  /** So long it must hold before pods are evicted; 0 for a hard threshold. */
  graceMilliseconds: number
  /** So much more than the threshold must be free before it counts as resolved. */
  minimumReclaim?: ThresholdValue
}

export interface Observation {
  available: number
  capacity: number
}

export type Observations = ReadonlyMap<Signal, Observation>

type Statements = Readonly<Record<string, string>>

export interface ThresholdStatements {
  hard: Statements
  soft: Statements
  softGrace: Statements
  minimumReclaim: Statements
}

export const defaultHard: Statements = {
  'memory.available': '100Mi', 'nodefs.available': '10%', 'nodefs.inodesFree': '5%', 'imagefs.available': '15%', 'imagefs.inodesFree': '5%',
}

/** Memory comes first. @throws Error that says which statement is wrong. */
export function parseThresholds({ hard, soft, softGrace, minimumReclaim }: ThresholdStatements): Threshold[] {
  const graces = new Map(Object.entries(softGrace).map(([name, text]) => [signalOf(name), parseDuration(text)]))
  const reclaims = new Map(Object.entries(minimumReclaim).map(([name, text]) => [signalOf(name), parseValue(name, text)]))
  const read = (statements: Statements, graceOf: (signal: Signal) => number): Threshold[] => Object.entries(statements).flatMap(([name, text]) => {
    const signal = signalOf(name)
    const graceMilliseconds = graceOf(signal)
    if (text === '0%' || text === '100%') return []
    const value = parseValue(name, text)
    if ('quantity' in value && value.quantity.isZero()) throw new Error(`eviction threshold ${name} must be positive: ${text}`)
    return [{ signal, value, graceMilliseconds, minimumReclaim: reclaims.get(signal) }]
  })
  const softGraceOf = (signal: Signal) => {
    const grace = graces.get(signal)
    if (grace === undefined) throw new Error(`grace period must be specified for the soft eviction threshold ${signal}`)
    return grace
  }
  const all = [...read(hard, () => 0), ...read(soft, softGraceOf)]
  return all.sort((a, b) => Number(b.signal === 'memory.available') - Number(a.signal === 'memory.available'))
}

function signalOf(name: string): Signal {
  if (name in signals) return name as Signal
  throw new Error(`unsupported eviction signal ${name}: it is one of ${Object.keys(signals).join(', ')}`)
}

function parseValue(name: string, text: string): ThresholdValue {
  if (text.endsWith('%')) {
    const percentage = Number(text.slice(0, -1))
    if (text === '%' || !(percentage >= 0 && percentage <= 100)) throw new Error(`${name}: ${JSON.stringify(text)} is not between 0% and 100%`)
    return { fraction: percentage / 100 }
  }
  const quantity = parseQuantity(text)
  if (quantity.nanos < 0n) throw new Error(`${name} must be positive: ${text}`)
  return { quantity }
}

export const bytesQuantity = (bytes: number): Quantity => new Quantity(BigInt(Math.floor(bytes)) * 1_000_000_000n, 'BinarySI')

export const thresholdQuantity = (value: ThresholdValue, capacity: number): Quantity => ('quantity' in value ? value.quantity : bytesQuantity(capacity * value.fraction))

/** What was observed, as messages show it. */
export const availableQuantity = (signal: Signal, { available }: Observation): Quantity =>
  new Quantity(BigInt(Math.floor(available)) * 1_000_000_000n, signals[signal].resource === 'memory' || signals[signal].resource === 'ephemeral-storage' ? 'BinarySI' : 'DecimalSI')

/** Thresholds that are crossed now; with `reclaiming`, also those that are not yet exceeded by their minimum reclaim. */
export function crossed(thresholds: readonly Threshold[], observations: Observations, { reclaiming }: { reclaiming: boolean }): Threshold[] {
  return thresholds.filter(({ signal, value, minimumReclaim }) => {
    const observed = observations.get(signal)
    if (!observed) return false
    const least = thresholdQuantity(value, observed.capacity).value() + (reclaiming && minimumReclaim ? thresholdQuantity(minimumReclaim, observed.capacity).value() : 0)
    return least > observed.available
  })
}
