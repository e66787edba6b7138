// Findings as text for people and as JSON for programs.
import type { Finding } from './findings.ts'

export function renderText(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ check }) => check.length))
  const lines = findings.flatMap(({ check, verdict, message, advice }) => [
    `${verdict.padEnd(7)}  ${check.padEnd(width)}  ${message}`, ...(advice ? [`${' '.repeat(9 + width)}  -> ${advice}`] : []),
  ])
  const count = (verdict: Finding['verdict']) => findings.filter((finding) => finding.verdict === verdict).length
  return [...lines, '', count('problem') > 0 ? `problems: ${count('problem')}, warnings: ${count('warning')}` : `no problems, warnings: ${count('warning')}`, ''].join('\n')
}

export const renderJson = (findings: readonly Finding[]): string => JSON.stringify({ healthy: isHealthy(findings), findings }, null, 2) + '\n'

export const isHealthy = (findings: readonly Finding[]): boolean => findings.every(({ verdict }) => verdict !== 'problem')
