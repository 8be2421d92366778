"""What a worker process needs for the network: proxies, certificates, credentials and caches."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kern.api import Context

_CERTIFICATES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")


def worker_environ(context: Context) -> dict[str, str]:
    """The environment of a worker: the tools' allow-list, with what the condarc says of certificates and proxies.

    As with conda, a file of certificates in the condarc wins over variables, and a variable over a proxy there.
    """
    from kern_conda.condarc import read_condarc

    environ = dict(context.environ)
    condarc = read_condarc(environ)
    stated = condarc.certificates or next((environ[name] for name in _CERTIFICATES if environ.get(name)), "")
    if stated:
        environ["SSL_CERT_FILE"] = stated
    for scheme, url in condarc.proxy_servers.items():
        name = f"{scheme}_proxy"
        if scheme in ("http", "https") and not environ.get(name) and not environ.get(name.upper()):
            environ[name] = url
            _mask(url, context)
    if not condarc.verify:
        environ["KERN_CONDA_NO_VERIFY"] = "1"
    return environ


def client_settings(environ: Mapping[str, str], mirrors: Mapping[str, str]) -> str:
    """Say rattler's settings for fetching, as the TOML that it reads.

    rattler brings certificates of its own; the system's are taken where there are any, since that is where companies
    add theirs, and where ``SSL_CERT_FILE`` counts. Logins are no setting: rattler finds them by itself, by
    ``RATTLER_AUTH_FILE`` too, and a file named here would count instead of all other places.

    Args:
        environ: of the process that will fetch.
        mirrors: addresses to those that are to be read in their place.
    """
    import json

    lines = []
    own = bool(environ.get("SSL_CERT_FILE") or environ.get("SSL_CERT_DIR"))
    if own or sys.platform == "darwin" or any(map(os.path.exists, _BUNDLES)):
        lines.append('tls-root-certs = "system"')
    if environ.get("KERN_CONDA_NO_VERIFY"):
        lines.append("tls-no-verify = true")
    if mirrors:
        lines.append("[mirrors]")
        lines.extend(f"{json.dumps(address)} = [{json.dumps(mirror)}]" for address, mirror in mirrors.items())
    return "\n".join(lines)


def package_cache(context: Context) -> str:
    """Where packages are kept: the first of ``CONDA_PKGS_DIRS`` that can be written to, else in this driver's cache.

    What cannot be written to is of no use: rattler keeps locks beside the packages.
    """
    stated = [path.strip() for path in context.environ.get("CONDA_PKGS_DIRS", "").split(",") if path.strip()]
    found = [os.path.abspath(os.path.expanduser(path)) for path in stated]
    return next(filter(_is_writable, found), os.path.join(context.cache_dir, "pkgs"))


def _is_writable(path: str) -> bool:
    """Whether files can be made in a directory, or it in the one above."""
    while not os.path.exists(path):
        path = os.path.dirname(path)
    return os.path.isdir(path) and os.access(path, os.W_OK)


def mask_secrets(request: Mapping[str, Any], context: Context) -> None:
    """Have the passwords and tokens of all addresses in a request masked."""
    for url in addresses(request):
        _mask(url, context)


def _mask(url: str, context: Context) -> None:
    from kern_conda.secrets import secrets_of

    for secret in secrets_of(url):
        context.ask_secret(secret)


def addresses(request: Mapping[str, Any]) -> Iterator[str]:
    """The addresses of channels in a request: those to read first, then those that something was read from."""
    question = request.get("question") or {}
    yield from question.get("channels", ())
    yield from request.get("channels", ())
    yield from dict.fromkeys(str(record.get("channel") or "") for record in request.get("records", ()))
