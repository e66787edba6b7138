// Arguments, signals and exit code; everything else is behind src/cli.
import { runCli } from './cli/program.ts'

const stopping = new AbortController()
const stop = () => stopping.abort(new Error('asked to stop'))
process.once('SIGTERM', stop).once('SIGINT', stop)

void runCli({
  arguments: process.argv.slice(2),
  environment: process.env,
  signal: stopping.signal,
  out: (text) => void process.stdout.write(text),
  error: (text) => void process.stderr.write(text),
}).then((code) => process.exit(code))
