import { describe, expect, it } from "bun:test"
import { inspect } from "node:util"
import { Secret } from "../../src/config/secret.ts"
import { type RunCommand, runCommand } from "../../src/config/surroundings.ts"
import { type inMemory, loadWith, problemsWith } from "./support.ts"

const HTTPS_TOKEN = "it holds a space, a line break or another character that no token has"

describe("a secret", () => {
  it("shows itself only through reveal()", () => {
    const secret = new Secret("hunter2")
    const views = [
      `${secret}`,
      String(secret),
      JSON.stringify({ secret }),
      inspect({ secret }, { depth: 9, showHidden: true }),
      Bun.inspect({ secret }),
      Object.keys(secret).join(),
      `${Object.entries(secret)}`,
    ]
    for (const view of views) expect(view).not.toContain("hunter2")
    expect(views[0]).toBe("[secret]")
    expect(secret.reveal()).toBe("hunter2")
  })

  it.each([
    ["the file itself", "abc", {}],
    ["the environment", { env: "TOKEN" }, { env: { TOKEN: "abc" } }],
    ["a file beside", { file: "token" }, { files: { "/etc/druidsync/token": "abc\n" } }],
    [
      "a file at home",
      { file: "~/token" },
      { env: { HOME: "/home/ada" }, files: { "/home/ada/token": "abc" } },
    ],
    [
      "a command's first line",
      { command: ["pass", "druid"] },
      { runCommand: async () => ({ exit: 0, stdout: "abc\r\nmore\n", stderr: "noise" }) },
    ],
  ])("comes from %s", async (_, token, surroundings) => {
    const { auth } = (await loadWith({ token }, surroundings)).druid.access
    expect(auth?.kind === "bearer" && auth.token.reveal()).toBe("abc")
  })

  it.each([
    ["a minute", {}, 60_000],
    ["as long as the run", { maxDuration: "20s" }, 20_000],
    ["a minute of a longer run", { maxDuration: "2h" }, 60_000],
  ])("from a command may take %s", async (_, more, expected) => {
    const given: number[] = []
    const runCommand: RunCommand = async (_command, { timeoutMs }) => {
      given.push(timeoutMs)
      return { exit: 0, stdout: "abc\n", stderr: "" }
    }
    await loadWith({ token: { command: ["pass"] }, ...more }, { runCommand })
    expect(given).toEqual([expected])
  })

  it.each([
    [{ env: "NOPE" }, {}, "the environment variable NOPE is not set"],
    [{ env: "BLANK" }, { env: { BLANK: "" } }, "the environment variable BLANK is empty"],
    [{ file: "t" }, {}, "cannot read /etc/druidsync/t: there is no such file"],
    [{ file: "t" }, { files: { "/etc/druidsync/t": "\n" } }, "the file /etc/druidsync/t is empty"],
    [
      { command: ["pass", "HUSH"] },
      { runCommand: async () => ({ exit: 3, stdout: "HUSH", stderr: "no such\nentry\u001b\n" }) },
      'the command "pass" ended with exit code 3: no such / entry?',
    ],
    [
      { command: ["pass"] },
      { runCommand: async () => ({ exit: "SIGTERM", stdout: "HUSH", stderr: "" }) },
      'the command "pass" ended with SIGTERM',
    ],
    [
      { command: ["pass"] },
      { runCommand: async () => ({ exit: 0, stdout: "\nHUSH\n", stderr: "" }) },
      'the command "pass" printed nothing on its first line',
    ],
    [
      { command: ["druidsync-no-such-program", "HUSH"] },
      { runCommand },
      'cannot run the command "druidsync-no-such-program": there is no such program',
    ],
    [
      { command: ["sh", "-c", "echo HUSH; echo why >&2; exit 7"] },
      { runCommand, env: process.env },
      'the command "sh" ended with exit code 7: why',
    ],
    [{ env: "T" }, { env: { T: "HUSH HUSH" } }, HTTPS_TOKEN],
    [{ env: "T" }, { env: { T: "HUSH\n" } }, HTTPS_TOKEN],
    ["Bearer HUSH", {}, 'leave out the word "Bearer"'],
    ["", {}, "found an empty text; leave the key out if there is no token"],
  ])(
    "from %j that cannot be had is a problem that names its key",
    async (token, surroundings: Parameters<typeof inMemory>[1] & object, problem) => {
      const run = surroundings.runCommand
      const options = { ...surroundings, ...(run ? { runCommand: inFolder(run) } : {}) }
      const lines = await problemsWith({ token }, options)
      expect(lines).toEqual([`token: ${problem}`])
      expect(lines.join()).not.toContain("HUSH")
    },
  )

  it.each([
    5,
    true,
    null,
    [["HUSH"]],
    {},
    { HUSH: 1 },
    { env: "A", file: "HUSH" },
    { env: "HUSH-HUSH" },
    { env: 5 },
    { command: "HUSH" },
    { command: [] },
    { command: [""] },
    { command: ["a", 5] },
    { value: "HUSH" },
  ])("written as %j is refused without its value", async (password) => {
    const lines = await problemsWith({ username: "u", password })
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/^password: found [a-z0-9 ]+; accepted: a text, \{ "env": "NAME" \}/)
    expect(lines[0]).not.toContain("HUSH")
  })

  it("runs no command while anything else is wrong", async () => {
    const lines = await problemsWith({ port: 0, token: { command: ["pass"] } })
    expect(lines.map((line) => line.split(":")[0])).toEqual(["port"])
  })

  it("command gets the configuration's folder and the environment, and no shell", async () => {
    let seen: unknown
    await loadWith(
      { token: { command: ["pass", "$HOME; ls"] } },
      {
        env: { A: "1" },
        runCommand: async (command, options) => {
          seen = { command, options }
          return { exit: 0, stdout: "abc", stderr: "" }
        },
      },
    )
    expect(seen).toEqual({
      command: ["pass", "$HOME; ls"],
      options: { cwd: "/etc/druidsync", env: { A: "1" }, timeoutMs: 60_000 },
    })
  })
})

describe("authentication", () => {
  it("is none where nothing, or an unfilled template, is given", async () => {
    expect((await loadWith({})).druid.access.auth).toBeUndefined()
    expect((await loadWith({ username: "", password: "" })).druid.access.auth).toBeUndefined()
  })

  it("takes an API key as user name with an empty password", async () => {
    expect((await loadWith({ username: "key", password: "" })).druid.access.auth?.kind).toBe("basic")
  })

  it.each([
    [{ password: "HUSH" }, "username: missing, but password is set"],
    [{ username: "", password: "HUSH" }, "username: missing, but password is set"],
    [{ username: "u" }, 'password: missing, but username is set; an empty one is written "password": ""'],
    [
      { username: "u", password: "HUSH", token: "HUSH" },
      "token: give either token, or username and password",
    ],
    [{ username: "u", password: "HU\nSH" }, "password: it holds a line break or another control character"],
  ])("%j is refused", async (keys, line) => {
    expect(await problemsWith(keys)).toEqual([line])
  })

  it.each([
    ["druid.example.com", "http", { token: "abc" }, ["the token is sent to druid.example.com unencrypted"]],
    ["10.0.0.1", "http", { username: "u", password: "p" }, ["the password is sent to 10.0.0.1 unencrypted"]],
    ["localhost", "http", { token: "abc" }, []],
    ["druid.example.com", "http", {}, []],
    ["druid.example.com", "https", { token: "abc" }, []],
  ])("to %s over %s with %j warns of what it should", async (host, protocol, keys, starts) => {
    const { warnings } = await loadWith({ host, protocol, ...keys })
    expect(warnings.map((warning) => warning.split(";")[0]!)).toEqual(starts)
  })
})

describe("tls", () => {
  const files = {
    "/etc/druidsync/ca.pem": "-----BEGIN CERTIFICATE-----\nca",
    "/etc/druidsync/cert.pem": "-----BEGIN CERTIFICATE-----\ncert",
    "/tmp/key.pem": "-----BEGIN EC PRIVATE KEY-----\nHUSH",
  }

  it("has its files read", async () => {
    const tls = {
      ca: "ca.pem",
      cert: "./cert.pem",
      key: "/tmp/key.pem",
      passphrase: "HUSH",
      serverName: "druid",
    }
    const settings = await loadWith({ tls }, { files })
    expect(settings.druid.tls.ca).toEndWith("ca")
    expect(settings.druid.tls.cert).toEndWith("cert")
    expect(settings.druid.tls.key?.reveal()).toEndWith("HUSH")
    expect(settings.druid.tls.passphrase?.reveal()).toBe("HUSH")
    expect(settings.druid.tls.serverName).toBe("druid")
    expect(inspect(settings, { depth: 9 })).not.toContain("HUSH")
  })

  it.each([
    [{ cert: "cert.pem" }, "tls.key: missing, but tls.cert is set"],
    [{ key: "/tmp/key.pem" }, "tls.cert: missing, but tls.key is set"],
    [{ passphrase: "HUSH" }, "tls.key: missing, but tls.passphrase is set"],
    [{ ca: "no.pem" }, "tls.ca: cannot read /etc/druidsync/no.pem: there is no such file"],
    [{ ca: "/tmp/key.pem" }, "tls.ca: cannot read /tmp/key.pem: it holds no certificate in PEM form"],
    [
      { cert: "cert.pem", key: "cert.pem" },
      "tls.key: cannot read /etc/druidsync/cert.pem: it holds no private key in PEM form",
    ],
    [{ cacert: "ca.pem" }, 'tls.cacert: unknown key; did you mean "ca"?'],
    ["ca.pem", 'tls: found "ca.pem"; accepted: an object with ca, cert, key, passphrase, serverName'],
  ])("%j is refused", async (tls, line) => {
    expect(await problemsWith({ tls }, { files })).toEqual([line])
  })

  it("is refused over http, where it would be ignored", async () => {
    expect(await problemsWith({ host: "localhost", tls: { ca: "ca.pem" } }, { files })).toEqual([
      'tls: of no use with http; set "protocol": "https", or leave tls out',
    ])
  })
})

/** The folder of the configuration does not exist here; a program cannot be started in it. */
function inFolder(run: typeof runCommand): typeof runCommand {
  return (command, options) => run(command, { ...options, cwd: "/" })
}
