"""Tools: embeddings, compression, workflows and the response cache, each second.
Narrow it with ?tool_id=…&session_id=… in the address.

    python3 tools.py [ws://127.0.0.1:8000/ws/tools]

Needs the package websockets, 10 or newer. The variable METRICAST_TOKEN holds the token, where the server wants one.
"""

import asyncio
import json
import os
import random
import sys

import websockets

URL = sys.argv[1] if len(sys.argv) > 1 else "ws://127.0.0.1:8000/ws/tools"
TOKEN = os.environ.get("METRICAST_TOKEN")
PROTOCOLS = ["metricast.tools"] + ([f"bearer.{TOKEN}"] if TOKEN else [])
# The server will take us again after these.
CONNECT_AGAIN = {1001, 1011, 4408, 4429, 4508}


def show(message):
    if message["type"] != "metrics":
        return print(json.dumps(message), flush=True)
    sections = []
    for section, it in message["data"].items():
        figures = it.get("error") or it.get("metrics") or it.get("mlx_metrics")
        sections.append(f"{section} ({it['status']}): {json.dumps(figures)}")
    print(message["timestamp"], " | ".join(sections), flush=True)


async def main():
    wait = 1  # seconds
    while True:
        try:
            async with websockets.connect(URL, subprotocols=PROTOCOLS) as socket:
                while True:
                    message = json.loads(await socket.recv())
                    wait = message.get("retry_after", wait) if message["type"] == "error" else 1
                    show(message)
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
