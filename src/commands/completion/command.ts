/** `druidsync completion SHELL`, and `druidsync __complete`, which the scripts call. */
import type { ArgsDef } from "citty"
import { defineCommand } from "citty"
import { ExitCode } from "../../base/errors.ts"
import type { CliContext } from "../../kit/context.ts"
import { usage } from "../../kit/strict.ts"
import type { Verb } from "../../kit/verb.ts"
import { complete, completionText } from "./complete.ts"
import { completionScript, SHELLS, type Shell } from "./scripts.ts"

export const examples = [
  ["fish", "druidsync completion fish > ~/.config/fish/completions/druidsync.fish"],
  ["bash: in ~/.bashrc", "source <(druidsync completion bash)"],
  ["zsh: in ~/.zshrc, after compinit", "source <(druidsync completion zsh)"],
  ["PowerShell: in $PROFILE", "druidsync completion powershell | Out-String | Invoke-Expression"],
] as const

export const notes = [
  "Completes commands, flags, their values, and for --only the datasources of the configuration that --config names. Asks nothing of Druid.",
] as const

export function completionCommand(context: CliContext) {
  return defineCommand({
    meta: { name: "completion", description: "Print a completion script" },
    args: {
      shell: { type: "positional", required: true, valueHint: SHELLS.join("|"), description: "the shell" },
    },
    run({ args }) {
      const shell = args.shell === "pwsh" ? "powershell" : args.shell
      if (!(SHELLS as readonly string[]).includes(shell)) {
        throw usage(
          `there is no completion for ${JSON.stringify(args.shell)}`,
          `there is: ${SHELLS.join(", ")}`,
        )
      }
      context.stdout.write(completionScript(shell as Shell))
      return ExitCode.ok
    },
  })
}

/** Answers a shell's script. Whatever is wrong, a shell is not to be disturbed by it. */
export async function runComplete(
  words: readonly string[],
  context: CliContext,
  verbs: Readonly<Record<string, Verb>>,
): Promise<ExitCode> {
  const { datasourceNamesIn } = await import("../../config/file.ts")
  // PowerShell cannot pass an empty word.
  const typed = words.map((word) => (word === '""' ? "" : word))
  const completion = await complete(typed, {
    verbs: Object.entries(verbs).map(([name, { about }]) => ({ name, about })),
    argsOf: async (name) => {
      const verb = Object.hasOwn(verbs, name) ? verbs[name] : undefined
      return verb === undefined ? undefined : ((await verb.load(context)).command.args as ArgsDef)
    },
    datasourcesIn: datasourceNamesIn,
  })
  context.stdout.write(completionText(completion))
  return ExitCode.ok
}
