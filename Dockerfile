# The service in production: no Pact, no tests. It listens on 8000 (PORT) and needs DJANGO_SECRET_KEY and DATABASE_URL.
FROM python:3.14.8-slim-trixie@sha256:f85c5697265c178cc6887276c55fe16cf3d14ca35c3df6a5eab3b360534a55d2 AS base
ENV PATH=/venv/bin:$PATH
WORKDIR /app

FROM base AS build
RUN python -m venv /venv
COPY requirements/service.txt requirements/
RUN pip install --no-cache-dir --require-hashes --only-binary :all: --requirement requirements/service.txt
# What .dockerignore lets through. manage.py is in development here, which makes up a key for the one command.
COPY . .
RUN python manage.py collectstatic --no-input

FROM base
COPY --from=build /venv /venv
COPY --from=build /app /app
USER 10001:10001
ENV DJANGO_DEBUG=false HOST=0.0.0.0 PYTHONUNBUFFERED=1
EXPOSE 8000
# By a name that it answers to: the first of DJANGO_ALLOWED_HOSTS.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["python", "-c", "\
from os import environ as e; from urllib.request import Request, urlopen; \
host = e.get('DJANGO_ALLOWED_HOSTS', '').split(',')[0].strip(' .*') or 'localhost'; \
urlopen(Request(f'http://127.0.0.1:{e.get(\"PORT\", 8000)}/health/live', headers={'Host': host}), timeout=4)"]
CMD ["gunicorn", "--config", "config/gunicorn.py", "config.wsgi"]
