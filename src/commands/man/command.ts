/** `druidsync man`: the manual page, made from the same definitions as `--help`. */
import { EXIT_CODES, ExitCode } from "../../base/errors.ts"
import { define } from "../../kit/command.ts"
import { type CommandPage, described, hintOf, INTRO, shortOf, synopsis } from "../../kit/help.ts"

export const command = define({
  args: {},
  examples: [
    ["Read it", "druidsync man > /tmp/druidsync.1 && man /tmp/druidsync.1"],
    [
      "Install it for yourself",
      "mkdir -p ~/.local/share/man/man1 && druidsync man > ~/.local/share/man/man1/druidsync.1",
    ],
  ],
  notes: ["Prints the manual page of all commands as roff, as man reads it."],
  needs: "nothing",
  async run({ context, program }) {
    const pages: CommandPage[] = []
    for (const [name, { about, load }] of Object.entries(program.verbs)) {
      pages.push({ ...(await load()), name, about })
    }
    context.stdout.write(manPage(context.version, pages))
    return ExitCode.ok
  },
})

const ENVIRONMENT = [
  ["NO_COLOR", "any value: no colour"],
  ["FORCE_COLOR", "any value but 0 and false: colour, also where the output is no terminal"],
  ["TERM", "dumb: no colour, no lines that are redrawn"],
  ["ACCESSIBLE", "any value: init asks by plain lines, for a screen reader"],
  ["TMPDIR", "where a query keeps what does not fit into memory"],
] as const

/** The page as roff (man macros). Pure: the same version and commands give the same text. */
export function manPage(version: string, pages: readonly CommandPage[]): string {
  return [
    `.TH DRUIDSYNC 1 "" "druidsync ${text(version)}" "User Commands"`,
    ".SH NAME",
    `druidsync \\- ${text(INTRO.replace(/\.$/, "").replace(/^Keeps/, "keeps"))}`,
    ".SH SYNOPSIS",
    ...pages.flatMap((page) => [".nf", `.B ${text(synopsis(page))}`, ".fi"]),
    ".SH DESCRIPTION",
    text(INTRO),
    "Every command tells what it takes with \\fB\\-\\-help\\fR.",
    ".SH COMMANDS",
    ...pages.flatMap(commandSection),
    ".SH EXIT STATUS",
    ...EXIT_CODES.flatMap(([code, meaning]) => tagged(`\\fB${code}\\fR`, meaning)),
    ".SH ENVIRONMENT",
    ...ENVIRONMENT.flatMap(([name, meaning]) => tagged(`\\fB${text(name)}\\fR`, meaning)),
    "",
  ]
    .filter((line, n, all) => line !== "" || n === all.length - 1)
    .join("\n")
}

function commandSection(page: CommandPage): string[] {
  const { about, args, notes, examples } = page
  return [
    `.SS ${text(synopsis(page))}`,
    text(upperFirst(about)).concat("."),
    ...notes.flatMap((note) => [".PP", text(note)]),
    ...Object.entries(args).flatMap(([name, arg]) => {
      const value = arg.type === "boolean" ? "" : ` \\fI${text(hintOf(name, arg))}\\fR`
      const short = shortOf(arg)
      const flag = `${short === undefined ? "" : `\\fB${text(short)}\\fR, `}\\fB${text(`--${name}`)}\\fR${value}`
      const term = arg.type === "positional" ? `\\fI${text(hintOf(name, arg))}\\fR` : flag
      return tagged(term, described(arg))
    }),
    ...examples.flatMap(([what, line]) => [
      ".PP",
      `${text(what)}:`,
      ".PP",
      ".RS 4",
      ".nf",
      text(line),
      ".fi",
      ".RE",
    ]),
  ]
}

function tagged(term: string, meaning: string): string[] {
  return [".TP", term, text(meaning)]
}

function upperFirst(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** Text that roff prints as it is: no escapes, hyphens that can be copied, no line that looks like a request. */
export function text(plain: string): string {
  return plain
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll("~", "\\(ti")
    .replaceAll("^", "\\(ha")
    .replaceAll("`", "\\(ga")
    .replaceAll("'", "\\(aq")
    .replaceAll('"', "\\(dq")
    .replaceAll("→", "\\(->")
    .replaceAll("…", "...")
    .replace(/^\./gm, "\\&.")
    .replace(/\s*\n\s*/g, " ")
}
