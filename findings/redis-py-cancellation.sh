#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# redis 8.1.0 (PyPI) on Python 3.11 and Redis 7.
#
# With a `socket_timeout` (there is one by default) the asyncio client sends each command inside
# `asyncio.wait_for`. Before Python 3.12 that function forgets a cancellation which arrives in the
# turn of the loop in which the command has been written. Task.cancel() then has no effect: a task
# that asks Redis in a loop goes on, and who waits for its end waits for ever.
#
# Seen: of 400 tasks that ask in a loop and are cancelled at different steps of it, about 120 go on
# with a `socket_timeout` of 60 s; with none, and so without `wait_for`, all end.
#
# Needs: python3.11, redis-server. Half a minute.
set -euo pipefail
dir=$(mktemp -d)
trap 'kill "$server"; wait "$server" 2>/dev/null || true; rm -rf "$dir"' EXIT
redis-server --port 0 --unixsocket "$dir/redis.sock" --save '' --dir "$dir" >"$dir/log" &
server=$!
python3.11 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q redis==8.1.0
"$dir/venv/bin/python" - "$dir/redis.sock" <<'EOF'
import asyncio
import sys

from redis.asyncio import Redis


async def ask(client):
    while True:
        await client.get("key")


async def going_on(timeout):
    """How many of 400 cancelled tasks still run a tenth of a second later."""
    count = 0
    async with Redis(unix_socket_path=sys.argv[1], socket_timeout=timeout) as client:
        await client.ping()
        for number in range(400):
            task = asyncio.create_task(ask(client))
            for _ in range(number % 12):
                await asyncio.sleep(0)
            task.cancel()
            _, pending = await asyncio.wait([task], timeout=0.1)
            count += len(pending)
            while pending:
                task.cancel()
                _, pending = await asyncio.wait([task], timeout=0.1)
    return count


with_timeout, without = asyncio.run(going_on(60)), asyncio.run(going_on(None))
print(f"of 400: {with_timeout} go on with socket_timeout, {without} without")
assert with_timeout > 20 and without == 0, "changed"
EOF
