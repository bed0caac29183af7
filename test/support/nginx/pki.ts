/** Certificates of a test's own, made with openssl: an authority, servers' and clients' certificates. */
import { execFileSync } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"

export interface Certificate {
  /** paths of PEM files */
  readonly cert: string
  readonly key: string
}

export interface Authority extends Certificate {
  /**
   * @param names DNS names or addresses: `DNS:localhost`, `IP:127.0.0.1`
   * @param dates `YYYYMMDDHHMMSSZ`; default: valid from now on
   */
  issue(name: string, names: readonly string[], dates?: { from: string; to: string }): Certificate
}

function openssl(...args: string[]): void {
  try {
    execFileSync("openssl", args, { stdio: ["ignore", "ignore", "pipe"] })
  } catch (error) {
    throw new Error(
      `openssl ${args[0]}: ${(error as { stderr?: Buffer }).stderr?.toString() ?? String(error)}`,
    )
  }
}

/** Makes a new authority in a folder. @throws Error where openssl is missing or fails */
export function authority(folder: string, name: string): Authority {
  const cert = join(folder, `${name}.pem`)
  const key = join(folder, `${name}.key`)
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
  openssl("req", "-x509", ...curve, "-keyout", key, "-out", cert, "-days", "30", "-subj", `/CN=${name}`)
  const database = join(folder, `${name}.index`)
  const serial = join(folder, `${name}.serial`)
  const config = join(folder, `${name}.cnf`)
  writeFileSync(database, "")
  writeFileSync(serial, "1000\n")
  return {
    cert,
    key,
    issue(of, names, dates) {
      const files = { cert: join(folder, `${of}.pem`), key: join(folder, `${of}.key`) }
      const request = join(folder, `${of}.csr`)
      writeFileSync(
        config,
        `[ca]
default_ca = it
[it]
database = ${database}
serial = ${serial}
new_certs_dir = ${folder}
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
default_days = 30
[any]
commonName = supplied
`,
      )
      const san = names.length === 0 ? [] : ["-addext", `subjectAltName=${names.join(",")}`]
      openssl("req", "-new", ...curve, "-keyout", files.key, "-out", request, "-subj", `/CN=${of}`, ...san)
      const span = dates === undefined ? [] : ["-startdate", dates.from, "-enddate", dates.to]
      const ca = ["-cert", cert, "-keyfile", key]
      openssl(
        "ca",
        "-batch",
        "-config",
        config,
        ...ca,
        "-in",
        request,
        "-out",
        files.cert,
        "-notext",
        ...span,
      )
      return files
    },
  }
}
