"""The certificates to trust over https, from the environment.

requests, OpenSSL and the `pact` binary read different variables. Here each variable counts for all of them.
"""

import os
import ssl
from contextlib import suppress
from pathlib import Path

VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""The first two are those of requests, the others those of OpenSSL and of the binary."""


def named_certificates() -> list[tuple[str, Path]]:
    """Return the variables that are set, each with its file or directory. SSL_CERT_DIR may name several."""
    return [
        (name, Path(path))
        for name in VARIABLES
        for path in os.environ.get(name, "").split(os.pathsep if name == "SSL_CERT_DIR" else "\0")
        if path
    ]


def trust_named(context: ssl.SSLContext) -> ssl.SSLContext:
    """Add the certificates that the environment names, and return the context."""
    for _, path in named_certificates():
        with suppress(OSError):  # a connection that needs it fails, and `certificate_hint` says why
            context.load_verify_locations(**{"capath" if path.is_dir() else "cafile": str(path)})
    return context


def certificate_hint() -> str:
    """Return what to do after a server's certificate was refused."""
    named = named_certificates()
    if not named:
        return "SSL_CERT_FILE or REQUESTS_CA_BUNDLE names a file of certificates to trust."
    for variable, path in named:
        if not path.exists():
            return f"{variable} is {str(path)!r}, and nothing is there."
    trusted = " and ".join(f"{variable} ({path})" for variable, path in named)
    return f"The certificates in {trusted} do not sign it."


def for_binary(folder: Path) -> dict[str, str]:
    """Return the variables by which a program with OpenSSL's variables trusts what this process trusts.

    Args:
        folder: a directory for a file with the certificates of several files.
    """
    paths = list(dict.fromkeys(path for _, path in named_certificates()))
    directories = [str(path) for path in paths if path.is_dir()]
    files = [path for path in paths if path.is_file()]
    if len(files) > 1:
        bundle = folder / "certificates.pem"
        bundle.write_bytes(b"\n".join(_content(path) for path in files))
        files = [bundle]
    return {
        **({"SSL_CERT_FILE": str(files[0])} if files else {}),
        **({"SSL_CERT_DIR": os.pathsep.join(directories)} if directories else {}),
    }


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # the binary says that it can't verify the certificate
        return b""
