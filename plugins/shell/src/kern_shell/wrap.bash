# Source scripts, run a command as a child of this very shell, source other scripts, end as the command did.
#
# arguments: COUNT NAME=VALUE... COUNT NAME-TO-UNSET... COUNT ENTER... COUNT LEAVE... COMMAND...
# What the scripts print goes to standard error: standard output is the command's. They are sourced in a subshell, so
# that one that ends or replaces its shell can't pass for the command: SIGUSR1 says that this is about to begin.

__kern_take() { # the next list of the arguments becomes __kern_list
    __kern_list=("${__kern_words[@]:1:${__kern_words[0]}}")
    __kern_words=("${__kern_words[@]:1+${__kern_words[0]}}")
}
__kern_words=("$@")
__kern_take && __kern_set=("${__kern_list[@]}")
__kern_take && __kern_unset=("${__kern_list[@]}")
__kern_take && __kern_enter=("${__kern_list[@]}")
__kern_take && __kern_leave=("${__kern_list[@]}")
unset -f __kern_take
for __kern_each in "${__kern_unset[@]}"; do unset -v "$__kern_each"; done
for __kern_each in "${__kern_set[@]}"; do export "${__kern_each?}"; done
set --

# Where SIGUSR1 was ignored from the start it can't be caught, and the command counts as begun.
trap '__kern_begun=1' USR1
kill -s USR1 "$$"
[[ ${__kern_begun-} ]] && __kern_begun='' || __kern_begun=1
# A handler, unlike ignoring, does not go over to the command, which gets these signals too; it alone decides. While it
# waits bash may forget the first of two signals.
trap '__kern_begun=1' INT TERM HUP QUIT
(
    trap 'builtin printf "kern: the activation script %s ended the shell\n" "$__kern_each" >&2; exit 1' EXIT
    for __kern_each in "${__kern_enter[@]}"; do
        builtin source "$__kern_each" >&2
        builtin set +aeu +o pipefail --
    done
    __kern_trap=$(builtin trap -p EXIT)
    [[ $__kern_trap == *'kern: the activation script'* ]] && __kern_trap='builtin trap - EXIT'
    builtin trap ':' INT TERM HUP QUIT
    builtin kill -s USR1 "$$"
    "${__kern_words[@]}"
    __kern_code=$?

    builtin trap 'builtin printf "kern: the deactivation script %s ended the shell\n" "$__kern_each" >&2
        builtin exit "$__kern_code"' EXIT
    for __kern_each in "${__kern_leave[@]}"; do
        builtin source "$__kern_each" >&2
        builtin set +aeu +o pipefail --
    done
    builtin eval "$__kern_trap"
    builtin exit "$__kern_code"
)
__kern_code=$?

if ((__kern_code > 128 && __kern_code < 193)); then
    trap - INT TERM HUP QUIT
    ulimit -c 0
    kill -s "$((__kern_code - 128))" "$$" 2>/dev/null
elif [[ ! $__kern_begun ]]; then
    printf 'kern: the command was not run: the activation ended or replaced its shell\n' >&2
    __kern_code=1
fi
exit "$__kern_code"
