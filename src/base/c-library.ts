// The C library, within reach of the executable (`--experimental-ffi` in build.mjs). From source there is none, and what needs it goes without.

interface Ffi {
  dlopen(path: null, definitions: Record<string, Definition>): { functions: Record<string, (...args: (number | bigint)[]) => number> }
}

interface Definition {
  arguments: readonly string[]
  return: string
}

export function loadFunction(name: string, definition: Definition): ((...args: (number | bigint)[]) => number) | undefined {
  const ffi = (process.getBuiltinModule as (module: string) => unknown)('node:ffi') as Ffi | undefined
  return ffi?.dlopen(null, { [name]: definition }).functions[name]
}
