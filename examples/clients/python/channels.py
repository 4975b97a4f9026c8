"""Channels: recorded values and collected states, as they come.

    python3 channels.py [ws://127.0.0.1:8000/ws/metrics] [CHANNEL…]

Needs the package websockets, 10 or newer. The variable METRICAST_TOKEN holds the token, where the server wants one.
"""

import asyncio
import json
import os
import random
import sys

import websockets

URL = sys.argv[1] if len(sys.argv) > 1 else "ws://127.0.0.1:8000/ws/metrics"
CHANNELS = sys.argv[2:] or ["system.metrics"]
TOKEN = os.environ.get("METRICAST_TOKEN")
PROTOCOLS = ["metricast.channels"] + ([f"bearer.{TOKEN}"] if TOKEN else [])
# The server will take us again after these.
CONNECT_AGAIN = {1001, 1011, 4408, 4429, 4508}


def show(message):
    if "channel" in message and "name" in message:
        print("{channel} {type} {name} = {value}".format(**message), flush=True)
    else:
        print(json.dumps(message), flush=True)


async def main():
    wait = 1  # seconds
    while True:
        try:
            async with websockets.connect(URL, subprotocols=PROTOCOLS) as socket:
                while True:
                    message = json.loads(await socket.recv())
                    wait = message.get("retry_after", wait) if message.get("type") == "error" else 1
                    if message.get("type") == "ping":
                        await socket.send(json.dumps({"type": "pong"}))
                        continue
                    show(message)
                    if message.get("type") == "welcome":
                        await socket.send(json.dumps({"type": "subscribe", "data": {"channels": CHANNELS}}))
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
