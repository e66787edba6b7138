// The X.509 library costs 20 MB: it is loaded when a certificate must be made or a request be read, not before.

type X509Module = typeof import('@peculiar/x509')

export async function loadX509(): Promise<X509Module> {
  await import('reflect-metadata/lite')
  return import('@peculiar/x509')
}
