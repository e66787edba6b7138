// Which pull policy an image reference stands for (source: pkg/util/parsers `ParseImageName`).

const path = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*'
const host = '(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?'
const reference = new RegExp(`^(?:${host}/)?${path}(?:/${path})*(?::([\\w][\\w.-]{0,127}))?(@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?$`)

/** `Always` for a tag `latest`, given or implied. A reference that cannot be read is validated elsewhere. */
export function pullPolicyOf(image: string | undefined): 'Always' | 'IfNotPresent' {
  const match = reference.exec(image ?? '')
  if (!match) return 'IfNotPresent'
  return match[1] === 'latest' || (match[1] === undefined && match[2] === undefined) ? 'Always' : 'IfNotPresent'
}
