# Source the script of `nix print-dev-env` and write down the environment that it gives.
#
# arguments: SCRIPT ENV DUMP

__kern_env=$2 __kern_dump=$3
builtin source "$1" || builtin exit
"$__kern_env" -0 >|"$__kern_dump" || builtin exit
builtin source "${BASH_SOURCE[0]%/*}/leave.bash"
builtin exit 0
