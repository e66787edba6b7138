// Structured logging: a constant message and facts as fields.
import type { Clock } from './clock.ts'

const logLevels = ['debug', 'info', 'warn', 'error'] as const
type LogLevel = (typeof logLevels)[number]
type Fields = Record<string, unknown>

export interface Logger {
  debug(message: string, fields?: Fields): void
  info(message: string, fields?: Fields): void
  warn(message: string, fields?: Fields): void
  error(message: string, fields?: Fields): void
  /** A logger that adds `fields` to every line. */
  with(fields: Fields): Logger
}

interface LoggerOptions {
  level: LogLevel
  format: 'text' | 'json'
  clock: Clock
  write(line: string): void
}

export function createLogger(options: LoggerOptions, bound: Fields = {}): Logger {
  const least = logLevels.indexOf(options.level)
  const at = (level: LogLevel) => (message: string, fields?: Fields) => {
    if (logLevels.indexOf(level) < least) return
    const time = new Date(options.clock.now()).toISOString()
    const all = { ...bound, ...fields }
    options.write(options.format === 'json' ? renderJson({ time, level, message, ...all }) : renderText(time, level, message, all))
  }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), with: (fields) => createLogger(options, { ...bound, ...fields }) }
}

export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {}, with: () => silentLogger }

const plain = (value: unknown): unknown => (value instanceof Error ? value.message : value)

const renderJson = (fields: Fields) => JSON.stringify(fields, (_key, value) => plain(value)) + '\n'

function renderText(time: string, level: LogLevel, message: string, fields: Fields): string {
  const words = Object.entries(fields).map(([key, value]) => {
    const text = typeof plain(value) === 'object' ? JSON.stringify(value) : String(plain(value))
    return `${key}=${/[\s"=]/.test(text) || text === '' ? JSON.stringify(text) : text}`
  })
  return [time, level.toUpperCase().padEnd(5), message, ...words].join(' ') + '\n'
}
