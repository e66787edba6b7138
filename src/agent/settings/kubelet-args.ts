// The kubelet's flags that mean something here, as k3s passes them: `--kubelet-arg eviction-hard=memory.available<200Mi`. Others are refused.
import { amount } from '../../api/pod-amounts.ts'
import { parseQuantity } from '../../api/quantity.ts'
import { defaultHard, parseThresholds, type ThresholdStatements } from '../eviction/thresholds.ts'
import { parseDuration } from './duration.ts'
import { defaultSettings, type KubeletSettings } from './settings.ts'

type Draft = { -readonly [K in keyof KubeletSettings]: KubeletSettings[K] } & { statements: ThresholdStatements; reservations: KubeletSettings['reserved'][] }

const flags: Readonly<Record<string, (draft: Draft, text: string) => void>> = {
  'eviction-hard': (draft, text) => (draft.statements = { ...draft.statements, hard: pairs(text, '<') }),
  'eviction-soft': (draft, text) => (draft.statements = { ...draft.statements, soft: pairs(text, '<') }),
  'eviction-soft-grace-period': (draft, text) => (draft.statements = { ...draft.statements, softGrace: pairs(text, '=') }),
  'eviction-minimum-reclaim': (draft, text) => (draft.statements = { ...draft.statements, minimumReclaim: pairs(text, '=') }),
  'eviction-max-pod-grace-period': (draft, text) => (draft.eviction = { ...draft.eviction, maxPodGraceSeconds: integer(text, 0) }),
  'eviction-pressure-transition-period': (draft, text) => (draft.eviction = { ...draft.eviction, transitionMilliseconds: duration(text, 0) }),
  'local-storage-capacity-isolation': (draft, text) => (draft.storageLimits = { ...draft.storageLimits, enabled: toggle(text) }),
  'volume-stats-agg-period': (draft, text) => (draft.storageLimits = { ...draft.storageLimits, measureMilliseconds: duration(text, 1000) }),
  'image-gc-high-threshold': (draft, text) => (draft.images = { ...draft.images, highPercent: integer(text, 0, 100) }),
  'image-gc-low-threshold': (draft, text) => (draft.images = { ...draft.images, lowPercent: integer(text, 0, 100) }),
  'minimum-image-ttl-duration': (draft, text) => (draft.images = { ...draft.images, minimumAgeMilliseconds: duration(text, 0) }),
  'image-maximum-gc-age': (draft, text) => (draft.images = { ...draft.images, maximumAgeMilliseconds: duration(text, 0) }),
  'maximum-dead-containers-per-container': (draft, text) => (draft.deadContainers = { ...draft.deadContainers, keptPerContainer: integer(text, 0) }),
  'minimum-container-ttl-duration': (draft, text) => (draft.deadContainers = { ...draft.deadContainers, minimumAgeMilliseconds: duration(text, 0) }),
  'container-log-max-size': (draft, text) => (draft.logs = { ...draft.logs, maxBytes: positive(parseQuantity(text).value()) }),
  'container-log-max-files': (draft, text) => (draft.logs = { ...draft.logs, maxFiles: integer(text, 2) }),
  'system-reserved': (draft, text) => draft.reservations.push(reservation(text)),
  'kube-reserved': (draft, text) => draft.reservations.push(reservation(text)),
  'max-pods': (draft, text) => (draft.maxPods = integer(text, 1)),
  'housekeeping-interval': (draft, text) => (draft.housekeepingMilliseconds = duration(text, 1000)),
}

/** `args`: each `KEY=VALUE`; of two with the same key the later one holds. @throws Error whose message completes "--kubelet-arg: ". */
export function parseKubeletArgs(args: readonly string[]): KubeletSettings {
  const draft: Draft = { ...defaultSettings, statements: { hard: defaultHard, soft: {}, softGrace: {}, minimumReclaim: {} }, reservations: [] }
  const given = new Map(args.map((arg) => {
    const [, key = '', text = ''] = /^(?:--)?([^=]*)(?:=(.*))?$/s.exec(arg) ?? []
    return [key, text]
  }))
  for (const [key, text] of given) {
    const apply = flags[key]
    if (!apply) throw new Error(`${JSON.stringify(key)} has no meaning here; what can be set is ${Object.keys(flags).sort().join(', ')}`)
    about(key, () => apply(draft, text))
  }
  const { statements, reservations, ...settings } = draft
  if (settings.images.lowPercent > settings.images.highPercent) throw new Error(`image-gc-low-threshold ${settings.images.lowPercent} is above image-gc-high-threshold ${settings.images.highPercent}`)
  const thresholds = about('eviction', () => parseThresholds(statements))
  return { ...settings, eviction: { ...settings.eviction, thresholds }, reserved: sum(reservations) }
}

function about<T>(subject: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw new Error(`${subject}: ${(error as Error).message}`)
  }
}

function pairs(text: string, separator: '<' | '='): Record<string, string> {
  const items = text.split(',').map((item) => item.trim()).filter(Boolean)
  return Object.fromEntries(items.map((item) => {
    const at = item.indexOf(separator)
    if (at <= 0) throw new Error(`${JSON.stringify(item)} is not of the form NAME${separator}VALUE`)
    return [item.slice(0, at).trim(), item.slice(at + 1).trim()]
  }))
}

const reservable = ['cpu', 'memory', 'ephemeral-storage', 'pid'] as const

function reservation(text: string): KubeletSettings['reserved'] {
  return Object.fromEntries(Object.entries(pairs(text, '=')).map(([name, quantity]) => {
    if (!(reservable as readonly string[]).includes(name)) throw new Error(`${JSON.stringify(name)} cannot be reserved: it is one of ${reservable.join(', ')}`)
    return [name, positive(amount(name, quantity))]
  }))
}

function sum(reservations: readonly KubeletSettings['reserved'][]): KubeletSettings['reserved'] {
  const names = reservable.filter((name) => reservations.some((one) => one[name]))
  return Object.fromEntries(names.map((name) => [name, reservations.reduce((total, one) => total + (one[name] ?? 0), 0)]))
}

function integer(text: string, least: number, most = Number.MAX_SAFE_INTEGER): number {
  const number = Number(text)
  if (/^-?\d+$/.test(text) && number >= least && number <= most) return number
  throw new Error(most === Number.MAX_SAFE_INTEGER ? `${JSON.stringify(text)} is not a number of at least ${least}` : `${JSON.stringify(text)} is not a number from ${least} to ${most}`)
}

function duration(text: string, leastMilliseconds: number): number {
  const milliseconds = parseDuration(text)
  if (milliseconds >= leastMilliseconds) return milliseconds
  throw new Error(`${JSON.stringify(text)} is shorter than ${leastMilliseconds / 1000}s`)
}

function toggle(text: string): boolean {
  if (text !== 'true' && text !== 'false') throw new Error(`${JSON.stringify(text)} is neither true nor false`)
  return text === 'true'
}

function positive(number: number): number {
  if (number > 0) return number
  throw new Error('must be more than 0')
}
