# Source scripts, write the environment down, wait, source other scripts, end.
#
# arguments: DIRECTORY ENV COUNT ENTER... LEAVE...
# DIRECTORY holds two named pipes, ready and release; `current` names the script being sourced, `unreadable` says what
# is wrong with the syntax of one, `environ` gets the environment as ENV -0 prints it. Scripts are sourced outside of any
# function, so that `declare` means what it does in a terminal, and see nothing of this but variables that begin with
# __kern_, which are not exported.

__kern_directory=$1 __kern_env=$2 __kern_enter=("${@:4:$3}") __kern_leave=("${@:4+$3}")
set --

for __kern_each in "${__kern_enter[@]}"; do
    builtin printf '%s' "$__kern_each" >|"$__kern_directory/current"
    builtin source "$__kern_each"
    __kern_status=$?
    builtin set +aeu +o pipefail --
    if [[ $__kern_status != 0 ]]; then
        "$BASH" -O extglob -n "$__kern_each" 2>|"$__kern_directory/unreadable" || builtin exit 2
        builtin printf '%s: ended with status %s\n' "$__kern_each" "$__kern_status"
    fi
done
builtin export -n __kern_status
: >|"$__kern_directory/current"
"$__kern_env" -0 >|"$__kern_directory/environ"
builtin printf '.' >|"$__kern_directory/ready"
builtin read -r __kern_each <"$__kern_directory/release"
for __kern_each in "${__kern_leave[@]}"; do
    builtin printf '%s' "$__kern_each" >|"$__kern_directory/current"
    builtin source "$__kern_each"
    builtin set +aeu +o pipefail --
done
: >|"$__kern_directory/current"
builtin exit 0
