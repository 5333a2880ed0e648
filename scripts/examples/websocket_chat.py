"""Talk over the WebSocket. Ctrl-C stops the running answer; an empty line or Ctrl-D ends the program.

pip install websocket-client
python websocket_chat.py
"""

import argparse
import json
import os
import signal
import sys

import websocket


def answer(ws: websocket.WebSocket, message: str, chat_id: str | None) -> str | None:
    """Print the answer as it comes; return the id of the chat, for the next message."""
    ws.send(json.dumps({"message": message, "chatId": chat_id}))
    while (event := json.loads(ws.recv()))["type"] != "done":
        if event["type"] == "error":
            sys.exit(f"The proxy refused: {event['message']}")
        if event["type"] == "delta":  # the other kind is "reasoning"
            print(event["text"], end="", flush=True)
    print(f"  [{event['finish_reason']}]")
    return event["chatId"] or chat_id


def main() -> None:
    parser = argparse.ArgumentParser(description="Talk over the WebSocket.")
    parser.add_argument("--url", default=os.environ.get("QWEN_PROXY_URL", "http://127.0.0.1:3264"), help="the proxy")
    parser.add_argument("--key", default=os.environ.get("QWEN_PROXY_KEY", "not-needed"), help="its API key")
    options = parser.parse_args()

    address = options.url.replace("http", "ws", 1) + "/api/ws"
    chat_id = None
    try:
        ws = websocket.create_connection(address)
        ws.send(json.dumps({"type": "auth", "key": options.key}))
        while message := input("> ").strip():
            usual = signal.signal(signal.SIGINT, lambda *_: ws.send(json.dumps({"type": "cancel"})))
            chat_id = answer(ws, message, chat_id)
            signal.signal(signal.SIGINT, usual)
    except OSError:
        sys.exit(f"Nothing answers at {options.url}. Start it with scripts/start, or scripts/start --sandbox.")
    except EOFError:
        print()


if __name__ == "__main__":
    main()
