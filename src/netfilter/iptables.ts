// The iptables programs of the host, one call at a time: the kernel's lock is shared with whoever else changes rules.
import { execFile } from 'node:child_process'
import { renderCheck, type PlacedRule, type Rule, type TableName } from './restore.ts'

class NetfilterError extends Error {
  override name = 'NetfilterError'
}

export interface Iptables {
  /** Applies the text of `renderRestore`. @throws NetfilterError with what the program said; nothing of the failing table is applied then. */
  restore(text: string): Promise<void>
  /** `iptables-save` of one table. */
  save(table: TableName): Promise<string>
  /** Whether all of these are there. */
  has(rules: readonly PlacedRule[]): Promise<boolean>
  /** Puts `rule` at the front of a built-in chain, unless it is there. */
  ensureFirst(table: TableName, chain: string, rule: Rule): Promise<void>
}

/** Seconds to wait for another program that holds the lock. */
const lockSeconds = '10'

export function createIptables(name: 'iptables' | 'iptables-nft' | 'iptables-legacy' = 'iptables'): Iptables {
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = last.then(work, work)
    last = result.catch(() => {})
    return result
  }
  const run = (program: string, args: readonly string[], input?: string) => inTurn(() => runProgram(program, args, input))
  const restore = async (text: string) => {
    if (text !== '') await run(`${name}-restore`, ['--wait', lockSeconds, '--noflush'], text)
  }
  return {
    restore,
    has: (rules) => restore(renderCheck(rules)).then(() => true, () => false),
    save: (table) => run(`${name}-save`, ['-t', table]),
    async ensureFirst(table, chain, rule) {
      const words = rule.match(/"[^"]*"|\S+/g)!.map((word) => word.replace(/^"|"$/g, ''))
      const base = ['--wait', lockSeconds, '-t', table]
      await run(name, [...base, '-C', chain, ...words]).catch(() => run(name, [...base, '-I', chain, '1', ...words]))
    },
  }
}

export function runProgram(program: string, args: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(program, args, { maxBuffer: 256 << 20, encoding: 'utf8' }, (error, stdout, stderr) => {
      if (!error) return resolve(stdout)
      const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
      reject(new NetfilterError(missing ? `${program} is not installed` : `${program}: ${stderr.trim() || error.message}`))
    })
    child.stdin?.on('error', () => {})
    child.stdin?.end(input)
  })
}
