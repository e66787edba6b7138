// From the bytes of a question to the bytes of an answer. Names in the zone are answered from the world, others are forwarded.
import dnsPacketModule, { type Packet, type Question } from 'dns-packet'
import { resolve, soaData, type DnsRecord, type DnsWorld, type RecordType } from './records.ts'

/** What its type declarations leave out. */
interface Encoders {
  name: { encode(name: string): Buffer }
  /** Of the data of one record, its length in front. */
  record(type: string): { encode(data: unknown): Buffer }
}
const dnsPacket = dnsPacketModule as typeof dnsPacketModule & Encoders

interface AnswerOptions {
  world: DnsWorld
  /** As in `cluster.local`. */
  zone: string
  /** Sends a query to a server outside; rejects when none answers. */
  forward(query: Buffer, transport: 'udp' | 'tcp'): Promise<Buffer>
}

const responseFlag = 1 << 15
const codes = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 } as const
const longestChain = 8

/** @returns undefined for what is no DNS query and deserves no answer. */
export async function answer(query: Buffer, transport: 'udp' | 'tcp', options: AnswerOptions): Promise<Buffer | undefined> {
  if (query.length < 12 || query.readUInt16BE(2) & responseFlag) return undefined
  let packet: Packet
  try {
    packet = dnsPacket.decode(query)
  } catch {
    return failure(query, 'FORMERR')
  }
  const question = packet.questions?.[0]
  if (!question || packet.questions?.length !== 1) return failure(query, 'FORMERR')
  if (query.readUInt16BE(2) & 0x7800) return failure(query, 'NOTIMP')
  const sections = await lookUp(question, options)
  if (sections === 'elsewhere') return options.forward(query, transport).catch(() => failure(query, 'SERVFAIL'))
  return render(packet, question, sections, transport)
}

interface Sections {
  code: keyof typeof codes
  answers: DnsRecord[]
  additionals: DnsRecord[]
  authorities: DnsRecord[]
}

async function lookUp(question: Question, options: AnswerOptions): Promise<Sections | 'elsewhere'> {
  const { world, zone } = options
  const authorities: DnsRecord[] = [{ name: zone, type: 'SOA', ttl: 5, data: soaData(zone) }]
  const aliases: DnsRecord[] = []
  let name = question.name.toLowerCase().replace(/\.$/, '')
  for (let step = 0; step < longestChain; step++) {
    const found = resolve(world, zone, name, question.type)
    switch (found.kind) {
      case 'records':
        return { code: 'NOERROR', answers: [...aliases, ...withAskedName(found.answers, name, aliases.length > 0 ? name : question.name)], additionals: found.additionals, authorities: [] }
      case 'no-data':
        return { code: 'NOERROR', answers: aliases, additionals: [], authorities }
      case 'no-such-name':
        return { code: aliases.length > 0 ? 'NOERROR' : 'NXDOMAIN', answers: aliases, additionals: [], authorities }
      case 'elsewhere':
        if (aliases.length === 0) return 'elsewhere'
        return { code: 'NOERROR', answers: [...aliases, ...(await outside(name, question, options))], additionals: [], authorities: [] }
      case 'alias':
        aliases.push(found.record)
        name = found.target
    }
  }
  return { code: 'SERVFAIL', answers: [], additionals: [], authorities: [] }
}

/** The question's spelling (0x20 randomised case) is kept in the answer. */
const withAskedName = (records: DnsRecord[], name: string, asked: string) => records.map((r) => (r.name === name ? { ...r, name: asked.replace(/\.$/, '') } : r))

async function outside(name: string, question: Question, options: AnswerOptions): Promise<DnsRecord[]> {
  const query = dnsPacket.encode({ type: 'query', id: Math.floor(Math.random() * 65536), flags: dnsPacket.RECURSION_DESIRED, questions: [{ ...question, name }] })
  try {
    return (dnsPacket.decode(await options.forward(query, 'tcp')).answers ?? []) as DnsRecord[]
  } catch {
    return []
  }
}

function render(query: Packet, question: Question, sections: Sections, transport: 'udp' | 'tcp'): Buffer {
  const edns = query.additionals?.find((record) => record.type === 'OPT')
  const limit = transport === 'tcp' ? 65535 : Math.max(512, Math.min(4096, (edns as { udpPayloadSize?: number } | undefined)?.udpPayloadSize ?? 512))
  const flags = dnsPacket.AUTHORITATIVE_ANSWER | dnsPacket.RECURSION_AVAILABLE | ((query.flags ?? 0) & dnsPacket.RECURSION_DESIRED) | codes[sections.code]
  const encode = (answers: DnsRecord[], additionals: DnsRecord[], more: number) => {
    const head = dnsPacket.encode({ type: 'response', id: query.id, flags: flags | more, questions: [question] })
    head.writeUInt16BE(answers.length, 6)
    head.writeUInt16BE(sections.authorities.length, 8)
    head.writeUInt16BE(additionals.length + (edns ? 1 : 0), 10)
    const body = [...answers, ...sections.authorities, ...additionals].map((record) => encodeRecord(record, question.name))
    return Buffer.concat([head, ...body, ...(edns ? [optRecord] : [])])
  }
  const whole = encode(sections.answers, sections.additionals, 0)
  if (whole.length <= limit) return whole
  const answersOnly = encode(sections.answers, [], 0)
  if (answersOnly.length <= limit) return answersOnly
  let count = sections.answers.length
  for (;;) {
    count = Math.floor(count / 2)
    const part = encode(sections.answers.slice(0, count), [], dnsPacket.TRUNCATED_RESPONSE)
    if (part.length <= limit || count === 0) return part
  }
}

const typeCodes: Record<RecordType, number> = { A: 1, NS: 2, CNAME: 5, SOA: 6, PTR: 12, TXT: 16, AAAA: 28, SRV: 33 }
/** EDNS0 with a payload of 4096 bytes. */
const optRecord = Buffer.from([0, 0, 41, 0x10, 0, 0, 0, 0, 0, 0, 0])
const questionPointer = Buffer.from([0xc0, 12])

/** dns-packet writes every name in full; the one that fills most answers, the question's, becomes a pointer here. */
function encodeRecord(record: DnsRecord, asked: string): Buffer {
  const name = record.name === asked ? questionPointer : dnsPacket.name.encode(record.name)
  const middle = Buffer.alloc(8)
  middle.writeUInt16BE(typeCodes[record.type], 0)
  middle.writeUInt16BE(1, 2)
  middle.writeUInt32BE(record.ttl, 4)
  return Buffer.concat([name, middle, dnsPacket.record(record.type).encode(record.data)])
}

/** An answer that says only what went wrong: header and question as they came. */
function failure(query: Buffer, code: keyof typeof codes): Buffer {
  const header = Buffer.from(query.subarray(0, 12))
  header.writeUInt16BE(responseFlag | (query.readUInt16BE(2) & 0x7900) | 0x80 | codes[code], 2)
  if (code === 'FORMERR') {
    header.fill(0, 4)
    return header
  }
  header.writeUInt32BE(0, 6)
  header.writeUInt16BE(0, 10)
  return Buffer.concat([header, questionBytes(query)])
}

function questionBytes(query: Buffer): Buffer {
  let at = 12
  while (at < query.length && query[at] !== 0) at += query[at]! + 1
  return query.subarray(12, Math.min(query.length, at + 5))
}
