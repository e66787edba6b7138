// `$(NAME)` references (source: KEP "expansion" of k8s.io/kubernetes third_party/forked/golang/expansion): `$$` is a dollar, what is unknown stays.

export function expand(text: string, lookup: (name: string) => string | undefined): string {
  return text.replace(/\$\$|\$\(([^)]*)\)/g, (whole, name: string | undefined) => (name === undefined ? '$' : (lookup(name) ?? whole)))
}

/** As `expand`, but names the first reference that nothing defines. */
export function expandStrictly(text: string, lookup: (name: string) => string | undefined): { text: string; missing?: string } {
  let missing: string | undefined
  const expanded = expand(text, (name) => {
    const value = lookup(name)
    if (value === undefined) missing ??= name
    return value
  })
  return { text: expanded, missing }
}
