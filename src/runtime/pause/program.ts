// The process that holds a pod's namespaces, as a static ELF executable of a few hundred bytes. As process 1 it gets no signal that has no handler,
// so it blocks SIGINT, SIGTERM and SIGCHLD and waits for them: it reaps children on SIGCHLD and exits with 0 on the others.
import { endianness } from 'node:os'

export type Architecture = 'amd64' | 'arm64'

const signals = Buffer.from([0x02, 0x40, 0x01, 0, 0, 0, 0, 0])

const amd64 = Buffer.concat([
  hex('b80e000000'), hex('31ff'), hex('488d3553000000'), hex('31d2'), hex('41ba08000000'), hex('0f05'), //      rt_sigprocmask(SIG_BLOCK, &signals, 0, 8)
  hex('b880000000'), hex('488d3d3d000000'), hex('31f6'), hex('31d2'), hex('41ba08000000'), hex('0f05'), // wait: rt_sigtimedwait(&signals, 0, 0, 8)
  hex('83f811'), hex('740d'), hex('85c0'), hex('78df'), //                                                      SIGCHLD: reap; error: wait
  hex('b83c000000'), hex('31ff'), hex('0f05'), //                                                               exit(0)
  hex('b83d000000'), hex('48c7c7ffffffff'), hex('31f6'), hex('ba01000000'), hex('4531d2'), hex('0f05'), // reap: wait4(-1, 0, WNOHANG, 0)
  hex('85c0'), hex('7fe4'), hex('ebb8'), hex('90'), //                                                          found one: reap; else: wait
  signals,
])

const arm64 = Buffer.concat([
  words(move(8, 135), move(0, 0), address(1, 2, 28), move(2, 0), move(3, 8), systemCall()), //  rt_sigprocmask(SIG_BLOCK, &signals, 0, 8)
  words(move(8, 137), address(0, 7, 28), move(1, 0), move(2, 0), move(3, 8), systemCall()), //  6: rt_sigtimedwait(&signals, 0, 0, 8)
  words(compare(17), branchIf(0, 13, 18), branchIfNegative(14, 6)), //                 SIGCHLD: reap; error: wait
  words(move(8, 93), move(0, 0), systemCall()), //                                             exit(0)
  words(move(8, 260), 0x92800000, move(1, 0), move(2, 1), move(3, 0), systemCall()), //        18: wait4(-1, 0, WNOHANG, 0)
  words(compare(0), branchIf(12, 25, 18), branch(26, 6), 0xd503201f), //               found one: reap; else: wait
  signals,
])

/** Source of the layout: System V ABI, "Object files". One segment, loaded at 4 MB, readable and executable. */
export function pauseProgram(architecture: Architecture): Buffer {
  const code = architecture === 'amd64' ? amd64 : arm64
  const base = 0x400000n
  const size = BigInt(120 + code.length)
  const head = Buffer.alloc(120)
  head.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
  head.writeUInt16LE(2, 16)
  head.writeUInt16LE(architecture === 'amd64' ? 62 : 183, 18)
  head.writeUInt32LE(1, 20)
  head.writeBigUInt64LE(base + 120n, 24)
  head.writeBigUInt64LE(64n, 32)
  head.writeUInt16LE(64, 52)
  head.writeUInt16LE(56, 54)
  head.writeUInt16LE(1, 56)
  head.writeUInt32LE(1, 64)
  head.writeUInt32LE(5, 68)
  for (const [at, value] of [[80, base], [88, base], [96, size], [104, size], [112, 0x10000n]] as const) head.writeBigUInt64LE(value, at)
  return Buffer.concat([head, code])
}

export function hostArchitecture(machine: string = process.arch): Architecture {
  if (machine === 'x64' && endianness() === 'LE') return 'amd64'
  if (machine === 'arm64') return 'arm64'
  throw new Error(`mk8s runs on x64 and arm64, not on ${machine}`)
}

function hex(text: string): Buffer {
  return Buffer.from(text, 'hex')
}

/** Instructions of A64 (source: Arm Architecture Reference Manual, C6); positions are counted in instructions. */
function words(...instructions: number[]): Buffer {
  const out = Buffer.alloc(instructions.length * 4)
  instructions.forEach((instruction, i) => out.writeUInt32LE(instruction >>> 0, i * 4))
  return out
}

function move(register: number, value: number): number {
  return 0x52800000 | (value << 5) | register
}

function systemCall(): number {
  return 0xd4000001
}

function compare(value: number): number {
  return 0x7100001f | (value << 10)
}

function address(register: number, from: number, to: number): number {
  return 0x10000000 | ((to - from) << 5) | register
}

function branch(from: number, to: number): number {
  return 0x14000000 | ((to - from) & 0x3ffffff)
}

function branchIf(condition: number, from: number, to: number): number {
  return 0x54000000 | (((to - from) & 0x7ffff) << 5) | condition
}

/** Tests bit 31 of w0. */
function branchIfNegative(from: number, to: number): number {
  return 0x37f80000 | (((to - from) & 0x3fff) << 5)
}
