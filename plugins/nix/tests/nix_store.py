"""A nix store of the tests' own, and expressions that need no nixpkgs: made of this machine's bash and Python.

Nothing outside of the store's directory is touched: the store, its state, its log and its configuration lie in it.
"""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

LIBRARY = """
# What every expression here is made of. A builder's last command must be bash's own, `exit 0`: nix kills a builder
# whose last command is another program before it has seen how that ended.
rec {
  system = "@system@";
  derive = name: script: more: derivation ({
    inherit name system;
    outputs = [ "out" ];
    builder = "${bash}/bin/bash";
    args = [ "-c" "export PATH=@path@\\n${script}\\nexit 0" ];
  } // more);

  bash = derivation {
    name = "bash"; inherit system; outputs = [ "out" ]; builder = "@bash@";
    args = [ "-c" "export PATH=@path@; mkdir -p $out/bin; ln -s @bash@ $out/bin/bash; exit 0" ];
  };

  tool = name: text: derive name "mkdir -p $out/bin; printf '#!@bash@\\n%s\\n' \\"$text\\" > $out/bin/${name}; chmod +x $out/bin/${name}" { inherit text; };

  python = @python@;

  stdenv = derive "stdenv" "mkdir -p $out; cp $setupPath $out/setup" {
    passAsFile = [ "setup" ];
    setup = ''
      export PATH=
      for each in $packages; do export PATH=$PATH''${PATH:+:}$each/bin; done
      runHook() { eval "''${!1}"; }
    '';
  };

  shell = packages: more: derive "demo-shell" "" ({ inherit packages stdenv; } // more);

  package = version: answer: derive "python@minor@-demo-${version}" ''
    site=$out/lib/python@minor@/site-packages
    mkdir -p $out/bin $site/demo
    echo "answer = $answer" > $site/demo/__init__.py
    printf '#!@bash@\\necho demo %s\\n' "$answer" > $out/bin/demo-answer; chmod +x $out/bin/demo-answer
  '' { inherit answer; };
}
"""

COPIED = """builtins.path {
    name = "python-@version@"; path = @prefix@;
    filter = path: type:
      let name = baseNameOf path; below = builtins.substring @length@ 9999 path;
      in builtins.match "(bin|lib|bin/python[0-9.]*|lib/libpython[^/]*[.]so[^/]*|lib/python@minor@(/.*)?)" below != null
      && !(builtins.elem name [ "test" "tests" "__pycache__" "idlelib" "site-packages" "turtledemo" "lib2to3" "pydoc_data" "tkinter" ])
      && builtins.match "config-.*" name == null;
  }"""
LINKED = """derive "python-@version@" "mkdir -p $out/bin; for each in python python3 python@minor@; do ln -s @program@ $out/bin/$each; done" { }"""


def missing() -> str:
    """Why nix can't be tested here; empty if it can."""
    if sys.platform != "linux":
        return "the expressions are made of a Linux machine's programs"
    if not shutil.which("nix"):
        return "nix is not installed (Debian: nix-bin)"
    return "" if shutil.which("bash") else "bash is not installed"


def variables(place: Path) -> dict[str, str]:
    """Make a store in a directory, and say the variables by which nix finds it."""
    if " " in str(place):
        pytest.skip("nix can't have its store in a folder with spaces; TMPDIR names another")
    registry = place / "registry.json"
    place.mkdir(parents=True, exist_ok=True)
    registry.write_text('{"flakes":[],"version":2}', encoding="utf-8")
    folders = {name: place / name for name in ("store", "state", "log", "conf")}
    folders["conf"].mkdir(exist_ok=True)
    # No build users, no sandbox: neither is there in a container. No substituters, no registry: no network.
    settings = ("build-users-group =", "sandbox = false", "substituters =", f"flake-registry = {registry}")
    return {
        **{f"NIX_{name.upper()}_DIR": str(path) for name, path in folders.items()},
        "NIX_CONFIG": "\n".join(settings),
        "NIX_PATH": "",
        "NIX_REMOTE": "",
    }


def library() -> str:
    """The file that the expressions of the tests import."""
    minor = f"{sys.version_info[0]}.{sys.version_info[1]}"
    prefix = os.path.realpath(sys.base_prefix)
    copied = prefix not in ("/usr", "/usr/local") and os.path.isfile(f"{prefix}/lib/python{minor}/os.py")
    bash = os.path.realpath(shutil.which("bash") or "")
    words = {
        "python": COPIED if copied else LINKED,
        "prefix": prefix,
        "length": str(len(prefix) + 1),
        "program": os.path.realpath(sys.executable),
        "minor": minor,
        "version": "{}.{}.{}".format(*sys.version_info[:3]),
        "system": f"{os.uname().machine}-linux",
        "bash": bash,
        "path": os.pathsep.join(dict.fromkeys((os.path.dirname(shutil.which("mkdir") or ""), "/usr/bin", "/bin"))),
    }
    text = LIBRARY
    for name, value in words.items():
        text = text.replace(f"@{name}@", value)
    return text


SHELL = """
with import ./kern-library.nix;
shell [ python (tool "greet" "echo greetings from nix") ] { GREETING = "hello"; }
"""
# A variable of the hook's must be one that kern lets tools see: PKG_CONFIG_*.
HOOKED = """
with import ./kern-library.nix;
shell [ python ] {
  GREETING = "hello";
  shellHook = ''
    export HOOKED="$GREETING from the hook"
    unset CFLAGS
    say_hi() { echo "hi from a function"; }
    export -f say_hi
    echo "$TMPDIR" >> "''${PKG_CONFIG_JOURNAL:-/dev/null}"
    $PKG_CONFIG_REFUSE
  '';
}
"""
PACKAGE = """
with import ./kern-library.nix;
package "1.5" (import ./answer.nix)
"""


def files(**more: str) -> dict[str, str]:
    """The files of a project with an environment (``shell.nix``) and a package (``default.nix``)."""
    usual = {"shell.nix": SHELL, "default.nix": PACKAGE, "answer.nix": '"42"\n', "kern-library.nix": library()}
    return {**usual, **{name.replace("__", "/").replace("_", "."): text for name, text in more.items()}}
