"""The certificates to trust over https, from the environment.

requests and the `pact` binary read different variables. Here each variable counts for both.
"""

import os
import ssl
from contextlib import suppress
from pathlib import Path
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.util.ssl_ import create_urllib3_context

VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""The first two are those of requests, the others those of OpenSSL and of the binary."""


def certificate_hint() -> str:
    """Return what to do after a broker's certificate was refused."""
    named = _named()
    if not named:
        return "SSL_CERT_FILE or REQUESTS_CA_BUNDLE names a file of certificates to trust."
    for variable, path in named.items():
        if not path.exists():
            return f"{variable} is {str(path)!r}, and nothing is there."
    trusted = " and ".join(f"{variable} ({path})" for variable, path in named.items())
    return f"The certificates in {trusted} do not sign it."


def for_binary(folder: Path) -> dict[str, str]:
    """Return the variables by which the binary trusts what this process trusts.

    Args:
        folder: a directory for a file with the certificates of several files.
    """
    named = _named().values()
    files = list(dict.fromkeys(path for path in named if path.is_file()))
    directories = [path for path in named if path.is_dir()]
    if len(files) > 1:
        bundle = folder / "certificates.pem"
        bundle.write_bytes(b"\n".join(path.read_bytes() for path in files))
        files = [bundle]
    return {
        **({"SSL_CERT_FILE": str(files[0])} if files else {}),
        **({"SSL_CERT_DIR": str(directories[0])} if directories else {}),
    }


class TrustingAdapter(HTTPAdapter):
    """Trusts OpenSSL's variables beside those that requests reads."""

    def init_poolmanager(self, *args: Any, **settings: Any) -> None:
        super().init_poolmanager(*args, ssl_context=_context(), **settings)


def _context() -> ssl.SSLContext:
    context = create_urllib3_context()
    for path in _named().values():
        with suppress(OSError):  # a connection that needs it fails, and `certificate_hint` says why
            context.load_verify_locations(**{"capath" if path.is_dir() else "cafile": str(path)})
    return context


def _named() -> dict[str, Path]:
    return {name: Path(os.environ[name]) for name in VARIABLES if os.environ.get(name)}
