// A duration as Go reads it: `300ms`, `10s`, `1m30s`, `2h45m`.
const units: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** In milliseconds. @throws Error in Go's words. */
export function parseDuration(text: string): number {
  if (text === '0') return 0
  if (!/^[+-]?((\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))+$/.test(text)) throw new Error(`time: invalid duration ${JSON.stringify(text)}`)
  const parts = [...text.matchAll(/(\d*\.?\d*)(ns|us|µs|ms|s|m|h)/g)]
  const sum = parts.reduce((total, [, number = '', unit = '']) => total + Number(number) * units[unit]!, 0)
  return text.startsWith('-') ? -sum : sum
}
