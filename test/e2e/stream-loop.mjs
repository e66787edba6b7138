// stream-loop.mjs HOST:PORT...: keeps one TCP connection to each place, sends a number every 50 ms and expects it back. On SIGTERM it prints
// for each place how many came back, the longest wait and what went wrong, as JSON.
import { connect } from 'node:net'

const streams = process.argv.slice(2).map((place) => {
  const [host, port] = place.split(':')
  const stream = { place, echoed: 0, slowest: 0, failures: [] }
  const sentAt = new Map()
  const socket = connect({ host, port: Number(port), noDelay: true })
  const fail = (why) => stream.failures.push(why)
  let next = 0
  let rest = ''
  socket.on('error', (error) => fail(error.message)).on('close', () => fail('closed'))
  socket.on('data', (chunk) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop()
    for (const line of lines) {
      const sent = sentAt.get(line)
      sentAt.delete(line)
      if (sent === undefined) fail(`unexpected ${line}`)
      else stream.slowest = Math.max(stream.slowest, performance.now() - sent)
      stream.echoed++
    }
  })
  const timer = setInterval(() => {
    sentAt.set(String(next), performance.now())
    if (!socket.destroyed) socket.write(`${next++}\n`)
  }, 50)
  return { ...stream, end: () => (clearInterval(timer), setTimeout(() => sentAt.size > 0 && fail(`${sentAt.size} never came back`), 900)), result: () => stream }
})
process.once('SIGTERM', () => {
  for (const { end } of streams) end()
  setTimeout(() => {
    console.log(JSON.stringify(streams.map(({ result }) => result())))
    process.exit()
  }, 1000)
})
console.log()
