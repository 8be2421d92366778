# Read by `kern shell` after .zshenv beside it: the user's own file, and then the environment's PATH is put in front again.

if [[ -n ${KERN_SHELL_ZDOTDIR+set} ]]; then
    export ZDOTDIR=$KERN_SHELL_ZDOTDIR
else
    unset ZDOTDIR
fi
unset KERN_SHELL_ZDOTDIR
if [[ -r ${ZDOTDIR:-$HOME}/.zshrc ]]; then
    source "${ZDOTDIR:-$HOME}/.zshrc"
fi
PATH=${(j.:.)${(us.:.)${:-$KERN_SHELL_PATH:$PATH}}}
unset KERN_SHELL_PATH
rehash
