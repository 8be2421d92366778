# Read by `kern shell`, whose ZDOTDIR is this directory: the user's own file, which may move ZDOTDIR, and back to here.

__kern_startup=$ZDOTDIR
if [[ -n ${KERN_SHELL_ZDOTDIR+set} ]]; then
    export ZDOTDIR=$KERN_SHELL_ZDOTDIR
else
    unset ZDOTDIR
fi
if [[ -r ${ZDOTDIR:-$HOME}/.zshenv ]]; then
    source "${ZDOTDIR:-$HOME}/.zshenv"
fi
unset KERN_SHELL_ZDOTDIR
if [[ -o interactive ]]; then
    if [[ -n ${ZDOTDIR+set} ]]; then
        KERN_SHELL_ZDOTDIR=$ZDOTDIR
    fi
    export ZDOTDIR=$__kern_startup
else
    unset KERN_SHELL_PATH
fi
unset __kern_startup
