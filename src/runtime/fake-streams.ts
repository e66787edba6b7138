// The streams of a fake command: it echoes its standard input and ends with it, with N when that ended in `exit N`.
import { PassThrough, Transform } from 'node:stream'
import type { InteractiveStreams, StreamOptions } from './container-runtime.ts'

export function echoStreams(options: StreamOptions): InteractiveStreams {
  const exit = Promise.withResolvers<number>()
  let tail = ''
  const stdin = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      tail = (tail + chunk.toString()).slice(-64)
      done(null, chunk)
    },
    flush(done) {
      exit.resolve(Number(/exit (\d+)\s*$/.exec(tail)?.[1] ?? 0))
      done()
    },
  })
  const stdout = stdin.pipe(new PassThrough())
  if (!options.stdin) stdin.end()
  return {
    ...(options.stdin ? { stdin } : {}), ...(options.stdout ? { stdout } : {}), ...(options.stderr && !options.tty ? { stderr: new PassThrough().end() } : {}),
    resize() {}, exit: exit.promise, close: () => (stdin.destroy(), void stdout.destroy()),
  }
}
