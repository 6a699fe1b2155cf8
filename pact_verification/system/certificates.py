"""The certificates to trust over https, from the environment.

requests, OpenSSL and the `pact` binary read different variables. Here each variable counts for all of them.
"""

import os
import ssl
from contextlib import suppress
from pathlib import Path

VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""The first two are those of requests, the others those of OpenSSL and of the binary."""


def named_certificates() -> dict[str, Path]:
    """Return the variables that are set, each with its file or directory."""
    return {name: Path(os.environ[name]) for name in VARIABLES if os.environ.get(name)}


def trust_named(context: ssl.SSLContext) -> ssl.SSLContext:
    """Add the certificates that the environment names, and return the context."""
    for path in named_certificates().values():
        with suppress(OSError):  # a connection that needs it fails, and `certificate_hint` says why
            context.load_verify_locations(**{"capath" if path.is_dir() else "cafile": str(path)})
    return context


def certificate_hint() -> str:
    """Return what to do after a server's certificate was refused."""
    named = named_certificates()
    if not named:
        return "SSL_CERT_FILE or REQUESTS_CA_BUNDLE names a file of certificates to trust."
    for variable, path in named.items():
        if not path.exists():
            return f"{variable} is {str(path)!r}, and nothing is there."
    trusted = " and ".join(f"{variable} ({path})" for variable, path in named.items())
    return f"The certificates in {trusted} do not sign it."


def for_binary(folder: Path) -> dict[str, str]:
    """Return the variables by which a program with OpenSSL's variables trusts what this process trusts.

    Args:
        folder: a directory for a file with the certificates of several files.
    """
    named = named_certificates().values()
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
