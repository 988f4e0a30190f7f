# Two processes of eight threads: the least CPU per request on two cores, of 2x8, 3x4, 4x2 and 6x1 threads
# and of 4, 8 and 12 sync workers (those open a connection a request).
import os

worker_class = "gthread"
workers = int(os.environ.get("PEER_WORKERS", "2"))
threads = int(os.environ.get("PEER_THREADS", "8"))
worker_connections = 4096
backlog = 2048
keepalive = 75
loglevel = "warning"
