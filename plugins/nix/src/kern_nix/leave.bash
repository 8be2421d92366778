# nix's script makes a temporary directory for each shell and never removes it.
case ${NIX_BUILD_TOP-} in
*/nix-shell.*) rm -rf -- "$NIX_BUILD_TOP" ;;
esac
