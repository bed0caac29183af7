/** `druidsync completion SHELL`, and `druidsync __complete`, which the scripts call. */
import { ExitCode, usage } from "../../base/errors.ts"
import { define } from "../../kit/command.ts"
import type { CliContext } from "../../kit/context.ts"
import type { Program } from "../../kit/program.ts"
import { complete, completionText } from "./complete.ts"
import { completionScript, SHELLS, type Shell } from "./scripts.ts"

export const command = define({
  args: {
    shell: { type: "positional", required: true, valueHint: SHELLS.join("|"), description: "the shell" },
  },
  examples: [
    ["fish", "druidsync completion fish > ~/.config/fish/completions/druidsync.fish"],
    ["bash: in ~/.bashrc", "source <(druidsync completion bash)"],
    ["zsh: in ~/.zshrc, after compinit", "source <(druidsync completion zsh)"],
    ["PowerShell: in $PROFILE", "druidsync completion powershell | Out-String | Invoke-Expression"],
  ],
  notes: [
    "Completes commands, flags, their values, and for --only the datasources of the configuration that --config names. Asks nothing of Druid.",
  ],
  needs: "nothing",
  async run({ args, context }) {
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

/** Answers a shell's script. Errors must not disturb the shell. */
export async function runComplete(
  words: readonly string[],
  { stdout }: CliContext,
  verbs: Program["verbs"],
): Promise<ExitCode> {
  const { datasourceNamesIn } = await import("../../config/file.ts")
  // PowerShell cannot pass an empty word.
  const typed = words.map((word) => (word === '""' ? "" : word))
  const completion = await complete(typed, { verbs, datasourcesIn: datasourceNamesIn })
  stdout.write(completionText(completion))
  return ExitCode.ok
}
