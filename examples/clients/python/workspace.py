"""Workspace: executions and alerts as they happen, and the totals, each second.

    python3 workspace.py [ws://127.0.0.1:8000/ws]

Needs the package websockets, 10 or newer. The variable METRICAST_TOKEN holds the token, where the server wants one.
"""

import asyncio
import json
import os
import random
import sys

import websockets

URL = sys.argv[1] if len(sys.argv) > 1 else "ws://127.0.0.1:8000/ws"
EVENT_TYPES = ["execution_started", "execution_completed", "metrics_update", "alert"]
TOKEN = os.environ.get("METRICAST_TOKEN")
PROTOCOLS = ["metricast.workspace"] + ([f"bearer.{TOKEN}"] if TOKEN else [])
# The server will take us again after these.
CONNECT_AGAIN = {1001, 1011, 4408, 4429, 4508}


def show(message):
    print(message["event"], json.dumps(message.get("data", message)), flush=True)


async def main():
    wait = 1  # seconds
    while True:
        try:
            async with websockets.connect(URL, subprotocols=PROTOCOLS) as socket:
                while True:
                    message = json.loads(await socket.recv())
                    wait = message.get("retry_after", wait) if message["event"] == "error" else 1
                    show(message)
                    if message["event"] == "connected":
                        await socket.send(json.dumps({"type": "subscribe", "event_types": EVENT_TYPES}))
                        await socket.send(json.dumps({"type": "request_metrics", "metric_type": "executions"}))
        except websockets.ConnectionClosed as closed:
            print(closed, file=sys.stderr)
            # One that was cut has received no close code.
            if closed.rcvd and closed.rcvd.code not in CONNECT_AGAIN:
                sys.exit(1)
        except (OSError, asyncio.TimeoutError, websockets.InvalidHandshake) as problem:
            print(problem, file=sys.stderr)
        await asyncio.sleep(wait * random.uniform(1, 2))
        wait = min(wait * 2, 60)


try:
    asyncio.run(main())
except KeyboardInterrupt:
    pass
