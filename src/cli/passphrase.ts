// The pass phrase of a back-up: from a file, a variable, or the terminal. Never an argument, which everybody on the machine can read.
import { openSync, readFileSync, writeSync } from 'node:fs'
import { ReadStream } from 'node:tty'
import { passphraseVariable } from '../backup/passphrase-variable.ts'
import { CliError, type CliIo } from './io.ts'

interface PassphraseOptions {
  file: string | undefined
  /** Ask twice: a slip would lose the back-up. */
  isNew: boolean
}

export const isGiven = (io: CliIo, file: string | undefined): boolean => file !== undefined || !!io.environment[passphraseVariable]

export async function readPassphrase(io: CliIo, { file, isNew }: PassphraseOptions): Promise<string> {
  const passphrase = file !== undefined ? firstLine(file) : io.environment[passphraseVariable] || (await ask(isNew))
  if (passphrase === '') throw new CliError('the pass phrase is empty')
  return passphrase
}

function firstLine(file: string): string {
  try {
    return readFileSync(file, 'utf8').split(/\r?\n/, 1)[0]!
  } catch (error) {
    throw new CliError(`--passphrase-file: ${(error as Error).message}`)
  }
}

async function ask(isNew: boolean): Promise<string> {
  const first = await readFromTerminal('pass phrase: ')
  if (isNew && (await readFromTerminal('the same again: ')) !== first) throw new CliError('the two pass phrases differ')
  return first
}

/** From the terminal itself, also when standard input and output are the archive. What is typed is not shown. */
function readFromTerminal(prompt: string): Promise<string> {
  let file: number
  try {
    file = openSync('/dev/tty', 'r+')
  } catch {
    throw new CliError(`there is no terminal to ask for the pass phrase: give --passphrase-file or ${passphraseVariable}`)
  }
  writeSync(file, prompt)
  const terminal = new ReadStream(file)
  terminal.setRawMode(true)
  terminal.setEncoding('utf8')
  let typed = ''
  return new Promise((resolve, reject) => {
    const end = (done: () => void) => {
      terminal.setRawMode(false)
      terminal.removeAllListeners('data').pause()
      writeSync(file, '\n')
      terminal.destroy()
      done()
    }
    terminal.on('data', (text: string) => {
      for (const character of text) {
        if (character === '\r' || character === '\n') return end(() => resolve(typed))
        if (character === '\x03' || character === '\x04') return end(() => reject(new CliError('broken off')))
        typed = character === '\x7f' || character === '\b' ? typed.slice(0, -1) : typed + character
      }
    })
  })
}
