// `/version`, `/metrics` and the list of paths.
import { version as build } from '../base/version.ts'
import { answerObject } from './answer.ts'
import type { Metrics } from './metrics.ts'
import type { NonResourceHandlers } from './non-resource.ts'

export function addServerPaths(paths: NonResourceHandlers, { version, metrics }: { version: string; metrics: Metrics }): void {
  const info = versionInfo(version)
  paths.add('/version', (request) => answerObject(info, { pretty: true, acceptObjects: request.acceptObjects }))
  paths.add('/metrics', () => ({
    status: 200, headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }, body: { kind: 'bytes', bytes: Buffer.from(metrics.render()) },
  }))
  paths.add('/', (request) => answerObject({ paths: paths.list().filter((path) => path !== '/').sort() }, { pretty: true, acceptObjects: request.acceptObjects }))
}

function versionInfo(gitVersion: string) {
  const [, major = '1', minor = ''] = /^v(\d+)\.(\d+)/.exec(gitVersion) ?? []
  return {
    major, minor, emulationMajor: major, emulationMinor: minor, minCompatibilityMajor: major, minCompatibilityMinor: String(Number(minor) - 1),
    gitVersion, gitCommit: build.commit, gitTreeState: 'clean', buildDate: build.buildDate, goVersion: `node${process.versions.node}`, compiler: 'esbuild', platform: `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`,
  }
}
