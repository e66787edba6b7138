// One HTTP/2 connection to the API server, made when first needed and made again, with growing pauses, when it is lost.
// The kernel's keep-alive finds a dead peer: no timer of this process runs while nothing happens.
import http2 from 'node:http2'
import { isIP } from 'node:net'
import tls from 'node:tls'
import { createBackOff } from '../base/back-off.ts'
import { sleep, type Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { unavailableError } from '../api/status-error.ts'

interface ClientCertificate {
  cert: string | Buffer
  key: string | Buffer
}

export interface HttpSessionOptions {
  /** As in `https://10.0.0.1:6443`. */
  url: string
  /** PEM. */
  ca: string | Buffer
  /** Asked at every connect, so that a renewed certificate is used. */
  certificate?: () => ClientCertificate | undefined
  clock: Clock
  log: Logger
  random: () => number
}

const connectMilliseconds = 10_000
const keepAliveMilliseconds = 30_000
const backOffRange = { initialMilliseconds: 100, maximumMilliseconds: 5_000 }
/** One watch that is not read must not hold up the others: the window of the connection is much larger than that of a stream. */
const connectionWindow = 16 * 2 ** 20
const streamWindow = 256 * 1024

export class HttpSession {
  readonly #options: HttpSessionOptions
  readonly #backOff
  readonly #closed = new AbortController()
  #session: Promise<http2.ClientHttp2Session> | undefined
  #notBefore = 0

  constructor(options: HttpSessionOptions) {
    this.#options = options
    this.#backOff = createBackOff({ ...backOffRange, random: options.random })
  }

  /** @throws StatusError 503 when there is no connection to be had now. */
  async get(): Promise<http2.ClientHttp2Session> {
    const session = await this.#current()
    if (!session.closed && !session.destroyed) return session
    this.#session = undefined
    return this.#current()
  }

  /** The next request makes a new connection; what is under way on the old one ends in peace. */
  async renew(): Promise<void> {
    const session = this.#session
    this.#session = undefined
    await session?.then((s) => s.close()).catch(() => {})
  }

  /** Ends the connection at once when its peer does not answer a ping. */
  verify(session: http2.ClientHttp2Session): void {
    if (session.closed || session.destroyed) return
    const timer = this.#options.clock.after(connectMilliseconds, () => session.destroy(new Error('the server does not answer')))
    session.ping(() => timer.cancel())
  }

  async close(): Promise<void> {
    this.#closed.abort(new Error('the transport is closed'))
    const session = this.#session
    this.#session = undefined
    await session?.then((s) => s.destroy()).catch(() => {})
  }

  #current(): Promise<http2.ClientHttp2Session> {
    if (!this.#session) {
      const session = this.#open()
      this.#session = session
      session.catch(() => this.#forget(session))
    }
    return this.#session
  }

  async #open(): Promise<http2.ClientHttp2Session> {
    const { clock, url } = this.#options
    const closed = this.#closed.signal
    try {
      await sleep(clock, this.#notBefore - clock.monotonic(), closed)
      const session = await this.#connect()
      if (closed.aborted) session.destroy()
      this.#backOff.reset()
      return session
    } catch (error) {
      this.#notBefore = clock.monotonic() + this.#backOff.next()
      throw unavailableError(`no connection to ${url}: ${(error as Error).message}`)
    }
  }

  #connect(): Promise<http2.ClientHttp2Session> {
    const { url, ca, certificate, clock, log } = this.#options
    return new Promise((resolve, reject) => {
      const session = http2.connect(url, {
        createConnection: () => openSocket(new URL(url), { ca, ...certificate?.() }),
        settings: { initialWindowSize: streamWindow, enablePush: false },
      })
      const timer = clock.after(connectMilliseconds, () => session.destroy(new Error('timed out')))
      session.once('connect', () => {
        timer.cancel()
        session.setLocalWindowSize(connectionWindow)
        resolve(session)
      })
      session.on('error', (error) => {
        timer.cancel()
        log.debug('the connection to the server failed', { error })
        reject(error)
      })
      session.once('goaway', () => this.#forgetSession(session))
      session.once('close', () => {
        timer.cancel()
        this.#forgetSession(session)
        reject(new Error('the connection was closed'))
      })
    })
  }

  #forgetSession(session: http2.ClientHttp2Session): void {
    const current = this.#session
    void current?.then((s) => s === session && this.#forget(current)).catch(() => {})
  }

  #forget(session: Promise<http2.ClientHttp2Session>): void {
    if (this.#session === session) this.#session = undefined
  }
}

function openSocket({ hostname, port }: URL, options: tls.ConnectionOptions): tls.TLSSocket {
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  const socket = tls.connect({ host, port: Number(port || 443), ALPNProtocols: ['h2'], ...(isIP(host) ? {} : { servername: host }), ...options })
  return socket.setKeepAlive(true, keepAliveMilliseconds).setNoDelay(true)
}
