import { Worker } from 'node:worker_threads'

/** Starts the worker from its source file: for tests and benchmarks. The executable starts it from its bundle. */
export const startSourceWorker = (workerData: unknown): Worker => new Worker(new URL('./worker.ts', import.meta.url), { workerData, execArgv: [] })
