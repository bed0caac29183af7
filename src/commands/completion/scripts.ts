/** The scripts that tie the shells to `druidsync __complete`. They hold no word of druidsync's own. */

export const SHELLS = ["bash", "zsh", "fish", "powershell"] as const
export type Shell = (typeof SHELLS)[number]

// The program is called as the user wrote it (`./druidsync`), so that completion works without a PATH.
const BASH = `# druidsync completion for bash; put this into ~/.bashrc:
#   source <(druidsync completion bash)
_druidsync() {
  local current="\${COMP_WORDS[COMP_CWORD]}" line value also=none
  local quotes=$'[\\\\\\\\"\\']'
  local words=("\${COMP_WORDS[@]:1:COMP_CWORD}")
  COMPREPLY=()
  while IFS= read -r line; do
    case "$line" in
      :*) also="\${line#:}" ;;
      *)
        value="\${line%%$'\\t'*}"
        # bash breaks words at = and :, and replaces only what stands after the last of them
        if [[ "$value" == --*=* && "$current" != --*=* ]]; then value="\${value#*=}"; fi
        value="$(printf '%q' "$value")"
        COMPREPLY+=("\${value//\\\\,/,}")
        ;;
    esac
  done < <("\${COMP_WORDS[0]/#\\~/$HOME}" __complete "\${words[@]//$quotes/}" 2>/dev/null)
  case "$also" in
    files) compopt -o default -o filenames 2>/dev/null ;;
    folders) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
  esac
  if [[ \${#COMPREPLY[@]} -eq 1 && "\${COMPREPLY[0]}" == *= ]]; then compopt -o nospace 2>/dev/null; fi
}
complete -F _druidsync druidsync
`

const ZSH = `#compdef druidsync
# druidsync completion for zsh; either put this into ~/.zshrc:
#   source <(druidsync completion zsh)
# or the script as _druidsync into a folder of $fpath
_druidsync() {
  local -a values abouts
  local line value about also=none
  while IFS= read -r line; do
    if [[ "$line" == :* ]]; then
      also="\${line#:}"
    else
      value="\${line%%$'\\t'*}"
      about="\${line#*$'\\t'}"
      values+=("$value")
      if [[ -n "$about" ]]; then abouts+=("$value  -- $about"); else abouts+=("$value"); fi
    fi
  done < <("\${(Q)words[1]}" __complete "\${(@Q)words[2,CURRENT]}" 2>/dev/null)
  (( \${#values} )) && compadd -l -d abouts -a values
  case "$also" in
    files) _files ;;
    folders) _files -/ ;;
  esac
}
if [[ "\${funcstack[1]}" == _druidsync ]]; then _druidsync "$@"; else compdef _druidsync druidsync; fi
`

const FISH = `# druidsync completion for fish; put it into ~/.config/fish/completions/druidsync.fish:
#   druidsync completion fish > ~/.config/fish/completions/druidsync.fish
function __druidsync_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l program $words[1]
    set -e words[1]
    for line in ($program __complete $words "$current" 2>/dev/null)
        switch $line
            case ':files'
                __fish_complete_path "$current"
            case ':folders'
                __fish_complete_directories "$current"
            case ':*'
            case '*'
                echo $line
        end
    end
end
complete -c druidsync -f -a '(__druidsync_complete)'
`

const POWERSHELL = `# druidsync completion for PowerShell; put this into $PROFILE:
#   druidsync completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName druidsync -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements | Where-Object { $_.Extent.EndOffset -le $cursorPosition } | ForEach-Object {
        if ($_ -is [System.Management.Automation.Language.StringConstantExpressionAst]) { $_.Value } else { $_.Extent.Text }
    })
    $program = $words[0]
    $words = @($words | Select-Object -Skip 1)
    if ($wordToComplete -eq '') { $words += '""' }
    # An empty last word would get lost on its way to the program, so it travels as two quotes
    & $program __complete @words 2>$null | ForEach-Object {
        if ($_.StartsWith(':')) { return }
        $value, $about = $_ -split "\`t", 2
        if ([string]::IsNullOrEmpty($about)) { $about = $value }
        $text = if ($value -match '[\\s,;''"()$\`]') { "'" + $value.Replace("'", "''") + "'" } else { $value }
        [System.Management.Automation.CompletionResult]::new($text, $value, 'ParameterValue', $about)
    }
}
`

/** The script for a shell, to be sourced. */
export function completionScript(shell: Shell): string {
  return { bash: BASH, zsh: ZSH, fish: FISH, powershell: POWERSHELL }[shell]
}
