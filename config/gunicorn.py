"""gunicorn's settings: `gunicorn --config config/gunicorn.py config.wsgi`.

HOST, PORT and WEB_CONCURRENCY (the number of workers) come from the environment. Run gunicorn behind a proxy that
buffers requests: a slow client holds a thread until its request is complete. If the proxy ends TLS, put its address
into FORWARDED_ALLOW_IPS.
"""

import os

bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
workers = int(os.environ.get("WEB_CONCURRENCY") or (os.cpu_count() or 1) + 1)
worker_class = "gthread"  # the default, sync, closes every connection
threads = 4
keepalive = 5  # seconds that an idle connection stays open
accesslog = "-"
control_socket_disable = True  # its path is the same for every gunicorn of a user
