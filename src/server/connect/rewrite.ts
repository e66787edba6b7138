// Links of a proxied page, led back through the proxy (source: k8s.io/apimachinery/pkg/util/proxy/transport.go).
const linkAttributes: Record<string, readonly string[]> = {
  a: ['href'], applet: ['codebase'], area: ['href'], audio: ['src'], base: ['href'], blockquote: ['cite'], body: ['background'], button: ['formaction'], command: ['icon'], del: ['cite'],
  embed: ['src'], form: ['action'], frame: ['longdesc', 'src'], head: ['profile'], html: ['manifest'], iframe: ['longdesc', 'src'], img: ['longdesc', 'src', 'usemap'],
  input: ['src', 'usemap', 'formaction'], ins: ['cite'], link: ['href'], object: ['classid', 'codebase', 'data', 'usemap'], q: ['cite'], script: ['src'], source: ['src'],
  video: ['poster', 'src'],
}

export interface Mount {
  /** Where the backend's root is seen: `/api/v1/namespaces/x/services/y/proxy`. */
  prefix: string
  /** Host (and port) of the backend, and of the request as the client made it. */
  backendHost: string
  requestHost: string
}

/** A link to the same host with an absolute path gets the prefix; others stay as they are. */
export function rewriteUrl(link: string, { prefix, backendHost, requestHost }: Mount): string {
  const found = /^(?:(?:[a-z][a-z0-9+.-]*:)?\/\/([^/?#]*))?(\/[^?#]*)?(.*)$/is.exec(link)
  const [, host = '', path = '', rest = ''] = found ?? []
  if (!found || path === '' || (host !== '' && host !== backendHost && host !== requestHost)) return link
  if (host !== '' && host === requestHost && path.startsWith(prefix)) return link
  return `${path === prefix || path.startsWith(`${prefix}/`) ? path : prefix + path}${rest}`
}

export function rewriteHtml(html: string, mount: Mount): string {
  return html.replace(/<([a-z]+)(\s(?:[^"'>]|"[^"]*"|'[^']*')*)>/gi, (tag, name: string, attributes: string) => {
    const links = linkAttributes[name.toLowerCase()]
    if (!links) return tag
    const rewritten = attributes.replace(/(\s)([a-z-]+)(\s*=\s*)(?:"([^"]*)"|'([^']*)')/gi, (whole, space: string, attribute: string, equals: string, double?: string, single?: string) =>
      links.includes(attribute.toLowerCase()) ? `${space}${attribute}${equals}"${rewriteUrl(double ?? single ?? '', mount)}"` : whole)
    return `<${name}${rewritten}>`
  })
}
