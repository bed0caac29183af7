/** `druidsync init`: from an address to a configuration, by questions or by flags. */
import { resolve } from "node:path"
import { ExitCode, usage } from "../../base/errors.ts"
import { shellWord } from "../../base/printable.ts"
import { isPattern } from "../../config/patterns.ts"
import type { Prompter } from "../../kit/ask/prompter.ts"
import { define } from "../../kit/command.ts"
import type { CliContext } from "../../kit/context.ts"
import { choice, text, toggle } from "../../kit/flag.ts"
import { jsonArg, USUAL_CONFIG } from "../../kit/flags.ts"
import { styleFor } from "../../kit/text/style.ts"
import { choiceWords } from "../../kit/text/words.ts"

export const command = define({
  args: {
    config: text("FILE", "where to write the configuration", { alias: "c", default: USUAL_CONFIG }),
    host: text("HOST", "a Druid router or broker, or its URL"),
    port: text("PORT", "its port (default: 8888, with https 9088)"),
    protocol: choice(["https", "http"], "default: http for this machine, else https"),
    "base-path": text("PATH", "path before /druid/v2, behind a proxy"),
    ca: text("FILE", "PEM file of the authority that signed its certificate"),
    username: text("NAME", "for Basic authentication"),
    password: text("SOURCE", "env:NAME, file:PATH or command:PROGRAM"),
    token: text("SOURCE", "for Bearer authentication: the same"),
    datasources: text(
      "NAMES",
      "what to copy: names and patterns with commas between them, or all; * is all, also future ones",
    ),
    lookups: text("NAMES", "lookups to copy: names with commas between them, or * for all, also future ones"),
    yes: toggle("ask nothing; copy all datasources if none are named", { alias: "y" }),
    force: toggle("replace an existing configuration"),
    "print-schema": toggle("only print the JSON Schema of the configuration"),
    ...jsonArg,
  },
  examples: [
    ["By questions", "druidsync init --config druidsync.json"],
    [
      "In a script",
      "druidsync init --host druid.example.com --username reader --password env:DRUID_PASSWORD --datasources wikipedia,clicks --config c.json",
    ],
    ["Everything that is there", "druidsync init --host localhost --yes"],
  ],
  notes: [
    "Asks for everything that the flags do not say, tries the address and the login, lists the datasources and writes the configuration. Only you can read the file. An existing file is never overwritten unless --force is given. A JSON Schema is written beside it, so that editors complete and check it.",
    "Pass a reference to the password or token (env:NAME, file:PATH or command:PROGRAM ARGUMENTS), not the secret itself, which the process list would show. The configuration then holds the reference. Leave the flag out to be asked for the secret.",
  ],
  needs: "nothing",
  async run({ args, context, info }) {
    const { env, version, newId, clock, signal, stdin, stderr, stdout } = context
    if (args["print-schema"]) {
      const { configSchemaText } = await import("../../config/json-schema.ts")
      stdout.write(configSchemaText())
      return ExitCode.ok
    }
    const { accessByFlags, converse } = await import("./answers.ts")
    const { saveConfig } = await import("./setup.ts")
    const flags = accessByFlags(args, args.config)
    const mayAsk = !args.yes && stdin?.isTTY === true && stderr.isTTY === true
    if (!mayAsk) refuseTooFew(args)
    const onRetry = (message: string) => info(`trying again: ${message}`)
    const setup = { env, version, newId, clock, signal, onRetry }
    const { access, texts, found, config } = await converse({
      flags,
      config: args.config,
      datasources: args.datasources ?? (mayAsk ? undefined : "all"),
      force: args.force,
      setup,
      ask: mayAsk ? await prompter(context) : undefined,
      style: styleFor(stderr, env),
    })
    const saved = await saveConfig(access, texts, found, args.force, { ...setup, configPath: config })
    const next = `druidsync pull --config ${shellWord(saved.config)} --out analytics.duckdb`
    const { url } = found.settings.druid
    const patterns = texts.filter(isPattern).length
    const what = `${choiceWords(texts.length - patterns, patterns)} of ${url}`
    return {
      document: {
        format: 1,
        exitCode: ExitCode.ok,
        config: resolve(saved.config),
        schema: saved.schema === undefined ? null : resolve(saved.schema),
        url,
        datasources: texts,
        next,
      },
      text: () => `${saved.config} written: ${what}\n\nNext:\n  ${next}\n`,
    }
  },
})

async function prompter(context: CliContext): Promise<Prompter> {
  const { createPrompter } = await import("../../kit/ask/plain.ts")
  const { canShowMenus, createMenus } = await import("../../kit/ask/menus.ts")
  const { stdin, stderr, env, signal } = context
  const plain = () => createPrompter({ input: stdin!, output: stderr, style: styleFor(stderr, env), signal })
  return canShowMenus(context) ? createMenus(context, plain) : plain()
}

/** Without anybody to ask, the flags must say everything. @throws DruidsyncError `usage` */
function refuseTooFew(args: {
  host: string | undefined
  datasources: string | undefined
  yes: boolean
}): void {
  const missing = [
    ...(args.host === undefined ? ["--host"] : []),
    ...(args.datasources === undefined && !args.yes ? ["--datasources (or --yes for all)"] : []),
  ]
  if (missing.length === 0) return
  const why = args.yes ? "--yes asks nothing" : "there is no terminal to ask on"
  throw usage(`${why}, and ${missing.join(" and ")} ${missing.length === 1 ? "is" : "are"} missing`)
}
