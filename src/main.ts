// Arguments, signals and exit code; everything else is behind src/cli, and loaded when it is known what is wanted.
const stopping = new AbortController()
const stop = () => stopping.abort(new Error('asked to stop'))
process.once('SIGTERM', stop).once('SIGINT', stop)

const [command, ...rest] = process.argv.slice(2)
const running = command === 'dns' ? import('./cli/dns.ts').then(({ runDns }) => runDns(rest, stopping.signal)) : import('./cli/program.ts').then(({ runCli }) => runCli({
  arguments: process.argv.slice(2),
  environment: process.env,
  signal: stopping.signal,
  out: (text) => void process.stdout.write(text),
  error: (text) => void process.stderr.write(text),
  ask: process.stdin.isTTY ? async (question) => (await import('./cli/ask.ts')).askOnTerminal(question) : undefined,
}))
void running.then((code) => process.exit(code))
