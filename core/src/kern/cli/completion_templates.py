"""The parts of the completion scripts that do not depend on the declarations; ``@PLACES@`` are filled in."""

from __future__ import annotations

BASH = r"""# Completion of kern for bash; from: kern completion bash
_kern_static() {
    local word
    for word in $1; do
        [[ $word == "$2"* ]] && COMPREPLY+=("$word")
    done
}
_kern_dynamic() {
    local name quoted
    while IFS= read -r name; do
        [[ -n $name && $name == "$2"* ]] || continue
        printf -v quoted '%q' "$name"
        COMPREPLY+=("$quoted")
    done < <("${program[@]}" list "$1" 2>/dev/null </dev/null)
}
_kern_paths() {
    local path
    while IFS= read -r path; do
        COMPREPLY+=("$path")
    done < <(compgen "$1" -- "$2")
    compopt -o filenames 2>/dev/null
}
_kern_value() {
    case $1 in
        environments) _kern_dynamic --names "$2" ;;
        labels) _kern_dynamic --labels "$2" ;;
        files) _kern_paths -f "$2" ;;
        directories) _kern_paths -d "$2" ;;
        any) ;;
        *) _kern_static "$1" "$2" ;;
    esac
}
_kern_kind() {
    kind=''
    case $1:$2 in
@KINDS@
    esac
}
_kern_options() {
    case $1 in
@OPTIONS@
        *) _kern_static '@COMMON@' "$2" ;;
    esac
}
_kern_operands() {
    case $1 in
@OPERANDS@
    esac
}
_kern() {
    COMPREPLY=()
    local program=("${COMP_WORDS[0]/#\~\//$HOME/}") verb='' kind='' flag='' word index
    local current=${COMP_WORDS[COMP_CWORD]}
    for ((index = 1; index < COMP_CWORD; index++)); do
        word=${COMP_WORDS[index]}
        if [[ $word == '=' && -n $kind ]]; then
            continue
        elif [[ -n $kind ]]; then
            case $flag in
                -C | --directory | --config) program+=("$flag" "${word/#\~\//$HOME/}") ;;
            esac
            kind=''
        elif [[ $word == -- ]]; then
            compopt -o default 2>/dev/null
            return 0
        elif [[ $word == -* ]]; then
            flag=$word
            _kern_kind "$verb" "$word"
        elif [[ -z $verb ]]; then
            verb=$word
        fi
    done
    [[ $current == '=' ]] && current=''
    if [[ -n $kind ]]; then
        _kern_value "$kind" "$current"
    elif [[ $current == -* ]]; then
        _kern_options "$verb" "$current"
    elif [[ -z $verb ]]; then
        _kern_static '@VERBS@' "$current"
    else
        _kern_operands "$verb" "$current"
    fi
    return 0
}
complete -F _kern kern
"""

ZSH = r"""#compdef kern
# Completion of kern for zsh; from: kern completion zsh
_kern_names() {
    local -a names where
    local index
    for ((index = 2; index < $#kern_words; index++)); do
        case $kern_words[index] in
            --) break ;;
            -C|--directory|--config) where+=("$kern_words[index]" "${${(Q)kern_words[index+1]}/#\~\//$HOME/}") ;;
            --directory=*|--config=*) where+=("${(Q)kern_words[index]}") ;;
        esac
    done
    names=(${(f)"$("${kern_words[1]/#\~\//$HOME/}" $where list "$@[-1]" 2>/dev/null </dev/null)"})
    compadd "${(@)@[1,-2]}" -a names
}
_kern() {
    local curcontext=$curcontext state
    local -a line verbs kern_words
    typeset -A opt_args
    kern_words=("${(@)words}")
    local cut=${words[(i)--]}
    if ((cut < CURRENT)); then
        shift $cut words
        ((CURRENT -= cut))
        _normal
        return
    fi
    _arguments -C -s \
        @COMMON@ \
        '(- *)'{-V,--version}'[Print the version]' \
        '1:verb:->verb' \
        '*::argument:->argument' && return
    case $state in
        verb)
            verbs=(
                @VERBS@
            )
            _describe -t verbs verb verbs ;;
        argument)
            case $line[1] in
@CASES@
            esac ;;
    esac
}
if [[ $funcstack[1] == _kern ]]; then
    _kern "$@"
else
    compdef _kern kern
fi
"""

FISH = r"""# Completion of kern for fish; from: kern completion fish
function __kern_after_dashes
    contains -- -- (commandline -opc)
end
function __kern_verb_is
    set -l words (commandline -opc)
    set -e words[1]
    __kern_after_dashes; and return 1
    set -l skip 0
    for word in $words
        if test $skip = 1
            set skip 0
            continue
        end
        switch $word
            case -C --directory --config
                set skip 1
            case '-*'
            case '*'
                test "$word" = "$argv[1]"
                return $status
        end
    end
    test -z "$argv[1]"
end
function __kern_names
    set -l words (commandline -opc)
    set -l where
    set -l flag ''
    for word in $words[2..-1]
        if test -n "$flag"
            set where $where $flag $word
            set flag ''
            continue
        end
        switch $word
            case -C --directory --config
                set flag $word
            case '--directory=*' '--config=*'
                set where $where $word
        end
    end
    $words[1] $where list $argv[1] 2>/dev/null </dev/null
end
complete -c kern -f
complete -c kern -n __kern_after_dashes -F
complete -c kern -n '__kern_verb_is ""' -s V -l version -d 'Print the version'
@LINES@
"""
