"""Skills: the most used ones and the newest anomalies, each second.

    python3 skills.py [ws://127.0.0.1:8000/ws/skills] [SKILL]

Needs the package websockets, 10 or newer. The variable METRICAST_TOKEN holds the token, where the server wants one.
"""

import asyncio
import json
import os
import random
import sys

import websockets

URL = sys.argv[1] if len(sys.argv) > 1 else "ws://127.0.0.1:8000/ws/skills"
SKILL = sys.argv[2] if len(sys.argv) > 2 else None
TOKEN = os.environ.get("METRICAST_TOKEN")
PROTOCOLS = ["metricast.skills"] + ([f"bearer.{TOKEN}"] if TOKEN else [])
# The server will take us again after these.
CONNECT_AGAIN = {1001, 1011, 4408, 4429, 4508}


def show(message):
    if message["type"] != "metrics_update":
        return print(json.dumps(message), flush=True)
    skills, anomalies = message["data"]["top_skills"], message["data"]["anomalies"]
    parts = [f"{it['skill_name']}: {it['total_invocations']} runs, {it['completion_rate']} % completed" for it in skills]
    parts += [f"{it['anomaly_type']} of {it['skill_name']} by {it['deviation_score']}" for it in anomalies]
    print(message["timestamp"], " | ".join(parts) or "no runs yet", flush=True)


async def main():
    wait = 1  # seconds
    while True:
        try:
            async with websockets.connect(URL, subprotocols=PROTOCOLS) as socket:
                while True:
                    message = json.loads(await socket.recv())
                    wait = message.get("retry_after", wait) if message["type"] == "error" else 1
                    show(message)
                    if message["type"] == "connected" and SKILL:
                        await socket.send(json.dumps({"type": "subscribe", "skill": SKILL}))
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
