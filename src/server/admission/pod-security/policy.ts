// Which Pod Security level a namespace asks for by its labels, and what a pod violates of it (source: k8s.io/pod-security-admission/api).
import { invalid } from '../../../api/field-error.ts'
import type { FieldError } from '../../../api/field-error.ts'
import { checks } from './checks.ts'
import type { CheckedPod, Violation } from './checks.ts'

const levels = ['privileged', 'baseline', 'restricted'] as const
type Level = (typeof levels)[number]

export interface LevelVersion {
  level: Level
  /** `latest` or `v1.x`. */
  version: string
}

interface Policy {
  enforce: LevelVersion
  audit: LevelVersion
  warn: LevelVersion
}

export const describePolicy = ({ level, version }: LevelVersion): string => `${level}:${version}`

const prefix = 'pod-security.kubernetes.io/'

/** A label that cannot be read errs on the safe side: the strictest level is enforced, none is warned of. */
export function policyOf(labels: Readonly<Record<string, string>> = {}): { policy: Policy; errors: FieldError[] } {
  const errors: FieldError[] = []
  const wrong = (label: string, why: string) => void errors.push(invalid(`metadata.labels[${label}]`, labels[label], why))
  const read = (mode: 'enforce' | 'audit' | 'warn'): LevelVersion => {
    const [levelLabel, versionLabel] = [prefix + mode, `${prefix}${mode}-version`]
    const [level = 'privileged', version = 'latest'] = [labels[levelLabel], labels[versionLabel]]
    const known = (levels as readonly string[]).includes(level)
    if (!known) wrong(levelLabel, `must be one of ${levels.join(', ')}`)
    const readable = version === 'latest' || /^v1\.(\d|[1-9]\d*)$/.test(version)
    if (!readable) wrong(versionLabel, 'must be "latest" or "v1.x"')
    return { level: known ? (level as Level) : mode === 'enforce' ? 'restricted' : 'privileged', version: readable ? version : 'latest' }
  }
  const policy = { enforce: read('enforce'), audit: read('audit'), warn: read('warn') }
  const enforceIsKnown = (levels as readonly string[]).includes(labels[`${prefix}enforce`] ?? '')
  if (labels[`${prefix}warn`] === undefined && enforceIsKnown && stricter(policy.enforce.level, policy.warn.level)) {
    policy.warn = { level: policy.enforce.level, version: labels[`${prefix}warn-version`] === undefined ? policy.enforce.version : policy.warn.version }
  }
  return { policy, errors }
}

export const stricter = (a: Level, b: Level): boolean => levels.indexOf(a) > levels.indexOf(b)

/** In the order in which upstream names them. */
export function violations({ level, version }: LevelVersion, pod: CheckedPod): Violation[] {
  if (level === 'privileged') return []
  const minor = version === 'latest' ? Infinity : Number(version.slice('v1.'.length))
  const active = checks.filter((check) => check.since <= minor && (check.level === 'baseline' || level === 'restricted'))
  const overridden = new Set(active.flatMap(({ overrides = [] }) => overrides))
  return active.filter(({ id }) => !overridden.has(id)).flatMap(({ check }) => check(pod, minor) ?? [])
}

export const describeViolations = (found: readonly Violation[]): string => found.map(({ reason, detail }) => (detail ? `${reason} (${detail})` : reason)).join(', ')
