# One image for web, worker and beat. docker-compose.yml says how they run together.

FROM python:3.12-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
COPY requirements/base.txt /tmp/base.txt
RUN /opt/venv/bin/pip install --require-hashes -r /tmp/base.txt

FROM python:3.12-slim-bookworm
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
