"""How gunicorn serves: threads, because large bodies and slow readers must not stop a worker."""

from django.conf import settings
from gunicorn.http.unreader import SocketUnreader

wsgi_app = "config.wsgi"
bind = f"{settings.HOST}:{settings.PORT}"
worker_class = "gthread"
workers = settings.WEB_WORKERS
threads = settings.WEB_THREADS
max_requests = 5000
max_requests_jitter = 500
timeout = 60
keepalive = 35  # longer than nginx keeps a connection: else it would send into one being closed
graceful_timeout = 4  # less than the process manager waits before it kills
control_socket_disable = True  # it would lie in the home folder, and nothing here uses it
logconfig_dict = settings.LOGGING

# Uploads are read in blocks of 64 KiB, and gunicorn copies all that it has read ahead at each of
# them: with the MiB that it reads ahead otherwise, that took a third of the time of an upload.
SocketUnreader.max_body_chunk = 256 * 1024
