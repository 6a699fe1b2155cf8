"""gunicorn's settings: `gunicorn --config config/gunicorn.py config.wsgi`.

PORT and WEB_CONCURRENCY (the number of workers) come from the environment, as platforms set them. Behind a proxy that
ends TLS, name it in FORWARDED_ALLOW_IPS: gunicorn then believes its X-Forwarded-Proto.

A proxy that buffers requests belongs in front. A thread reads from its client until the request is complete, and
gunicorn has no setting that ends this: `timeout` watches the worker's main thread, which waits for no client. Only a
connection that sends nothing at all is put aside after 5 seconds.
"""

import multiprocessing
import os

bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
workers = int(os.environ.get("WEB_CONCURRENCY", str(multiprocessing.cpu_count() + 1)))
worker_class = "gthread"  # the sync worker closes every connection; measured beside the others in ARCHITECTURE.md
threads = 4
keepalive = 5  # seconds that an idle connection stays open
accesslog = "-"
control_socket_disable = True  # one path for all that a user runs
