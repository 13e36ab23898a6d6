# One image for web, worker and beat, and one for the nginx in front of them. docker-compose.yml says
# how they run together.

FROM python:3.12-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
COPY requirements/base.txt /tmp/base.txt
RUN /opt/venv/bin/pip install --require-hashes -r /tmp/base.txt

# Runs as the app's user, who alone may read recordings.
FROM debian:bookworm-slim AS proxy
RUN apt-get update && apt-get install -y --no-install-recommends nginx-light gettext-base \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data --create-home plumbline \
    && install -d -o plumbline -m 0700 /var/lib/plumbline-proxy
COPY config/nginx/ /etc/plumbline/
ENV LISTEN=8080 UPSTREAM=web:8000 MEDIA_DIR=/data/media RUN_DIR=/var/lib/plumbline-proxy \
    UPLOAD_MAX_BYTES=2147483648 TRUSTED_PROXY=172.16.0.0/12
USER plumbline
EXPOSE 8080
CMD ["sh", "-c", "envsubst '$LISTEN $UPSTREAM $MEDIA_DIR $RUN_DIR $UPLOAD_MAX_BYTES $TRUSTED_PROXY' </etc/plumbline/nginx.conf.template >$RUN_DIR/nginx.conf && exec nginx -c $RUN_DIR/nginx.conf -g 'daemon off;'"]

FROM python:3.12-slim-bookworm AS app
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    HOST=0.0.0.0 PORT=8000 ENV_FILE=none \
    LOCAL_DIR=/data MEDIA_DIR=/data/media STATIC_ROOT=/app/staticfiles
RUN useradd --system --uid 10001 --home-dir /data --create-home plumbline
COPY --from=build /opt/venv /opt/venv
WORKDIR /app
COPY . .
# No server is asked here: the addresses only have to be well formed.
RUN SECRET_KEY=only-while-the-image-is-made SITE_URL=https://localhost \
    DATABASE_URL=postgresql:///none REDIS_URL=redis://none/0 \
    python manage.py collectstatic --noinput --verbosity 0
USER plumbline
VOLUME /data
EXPOSE 8000
CMD ["gunicorn", "-c", "python:config.gunicorn"]
