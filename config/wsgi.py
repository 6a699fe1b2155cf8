"""The WSGI application that gunicorn serves. Without settings in the environment it is production's."""

import os
import re
from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

django_application = get_wsgi_application()


def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """Django, which reads every request as UTF-8.

    Left alone, it decodes the query string with the charset that Content-Type names, before any middleware runs, and
    Python has codecs that are no text encodings: `charset=hex` would be a 500 on every URL.
    """
    if "CONTENT_TYPE" in environ:
        environ["CONTENT_TYPE"] = re.sub(r";\s*charset=[^;]*", "", environ["CONTENT_TYPE"], flags=re.IGNORECASE)
    return django_application(environ, start_response)
