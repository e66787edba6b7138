// query-loop.mjs SERVER NAME ADDRESS [ADDRESS...]: asks for NAME over and over, by UDP every 20 ms and by TCP every 100 ms, each time from another
// port, and expects one of the addresses within a second. On SIGTERM it prints what it saw, as JSON.
import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import dnsPacket from 'dns-packet'

const [server, name, ...expected] = process.argv.slice(2)
const patience = 1000
const begun = Date.now()
const seen = { udp: 0, tcp: 0, failures: [], slowest: 0, answers: {} }
let id = 0

const query = () => {
  id = (id + 1) % 65536
  return { id, bytes: dnsPacket.encode({ type: 'query', id, flags: dnsPacket.RECURSION_DESIRED, questions: [{ type: 'A', name }] }) }
}

function judge(transport, id, sent, bytes) {
  const answer = dnsPacket.decode(bytes)
  const found = answer.answers.map(({ data }) => data)
  seen[transport]++
  seen.slowest = Math.max(seen.slowest, performance.now() - sent)
  for (const address of found) seen.answers[address] = (seen.answers[address] ?? 0) + 1
  if (answer.id !== id || answer.rcode !== 'NOERROR' || found.length !== 1 || !expected.includes(found[0])) fail(transport, sent, `${answer.id}/${id} ${answer.rcode} ${found}`)
}
const fail = (transport, sent, why) => seen.failures.push({ transport, at: Math.round(Date.now() - begun - (performance.now() - sent)), why })

function once(transport, end) {
  const { id, bytes } = query()
  const sent = performance.now()
  let over = false
  const finish = (why) => {
    if (over) return
    over = true
    clearTimeout(timer)
    end()
    if (Buffer.isBuffer(why)) judge(transport, id, sent, why)
    else fail(transport, sent, why)
  }
  const timer = setTimeout(() => finish('no answer'), patience)
  return { bytes, finish, over: () => over }
}

function udp() {
  const socket = createSocket('udp4')
  const { bytes, finish, over } = once('udp', () => socket.close())
  socket.on('error', (error) => finish(error.message)).on('message', finish)
  socket.connect(53, server, (error) => (error ? finish(error.message) : over() || socket.send(bytes)))
}

function tcp() {
  const socket = connect(53, server)
  const { bytes, finish } = once('tcp', () => socket.destroy())
  let received = Buffer.alloc(0)
  socket.on('error', (error) => finish(error.message)).on('close', () => finish('closed')).on('data', (chunk) => {
    received = Buffer.concat([received, chunk])
    if (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) finish(received.subarray(2))
  })
  socket.write(Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]))
}

setInterval(udp, 20)
setInterval(tcp, 100)
process.once('SIGTERM', () => setTimeout(() => {
  console.log(JSON.stringify(seen))
  process.exit()
}, patience + 100))
console.log()
