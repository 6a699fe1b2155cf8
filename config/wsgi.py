"""The WSGI application that gunicorn serves. Without settings in the environment it is production's."""

import os
import re
from collections.abc import Iterable
from io import BytesIO
from typing import Any
from wsgiref.types import StartResponse

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

django_application = get_wsgi_application()


def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """Django, with what it leaves to a server and this service's clients may meet.

    * It decodes the query string with the charset that Content-Type names, before any middleware runs, and Python has
      codecs that are no text encodings: `charset=hex` would be a 500 on every URL. Here every request is UTF-8.
    * It takes a body without Content-Length for none: a chunked one would be lost without a word.
    * It answers HEAD with a body.
    """
    if "CONTENT_TYPE" in environ:
        environ["CONTENT_TYPE"] = re.sub(r";\s*charset=[^;]*", "", environ["CONTENT_TYPE"], flags=re.IGNORECASE)
    if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower() and not environ.get("CONTENT_LENGTH"):
        if not environ.get(
            "wsgi.input_terminated"
        ):  # a server, such as runserver's, that leaves the chunks as they are
            start_response("411 Length Required", [("Content-Type", "application/json; charset=utf-8")])
            return [b'{"detail":"This server needs a Content-Length."}']
        body = environ["wsgi.input"].read((settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0) + 1)  # one more is too large
        environ |= {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))}
    response = django_application(environ, start_response)
    if environ["REQUEST_METHOD"] == "HEAD":
        response.close()
        return []
    return response
