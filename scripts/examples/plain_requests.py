"""A chat that the proxy remembers, streamed, with nothing but the requests package.

pip install requests
python plain_requests.py "My name is Alex." "What is my name?"
"""

import argparse
import json
import os
import sys

import requests


def ask(session: requests.Session, url: str, message: str, chat_id: str | None) -> str | None:
    """Print the answer as it comes; return the id of the chat, for the next message."""
    body = {"message": message, "chatId": chat_id, "stream": True}
    with session.post(f"{url}/api/chat", json=body, stream=True, timeout=300) as answer:
        if answer.status_code != 200:
            sys.exit(f"The proxy refused: {answer.json()['error']}")
        for line in answer.iter_lines():
            if not line.startswith(b"data: {"):
                continue  # an empty line, a keep-alive comment or the final [DONE]
            frame = json.loads(line.removeprefix(b"data: "))
            if "error" in frame:
                sys.exit(f"The answer broke off: {frame['error']['message']}")
            chat_id = frame.get("chatId", chat_id)
            print(frame["choices"][0]["delta"].get("content", ""), end="", flush=True)
    print()
    return chat_id


def main() -> None:
    parser = argparse.ArgumentParser(description="Say one thing after another in one chat.")
    parser.add_argument("messages", nargs="*", default=["My name is Alex.", "What is my name?"])
    parser.add_argument("--url", default=os.environ.get("QWEN_PROXY_URL", "http://127.0.0.1:3264"), help="the proxy")
    parser.add_argument("--key", default=os.environ.get("QWEN_PROXY_KEY", "not-needed"), help="its API key")
    options = parser.parse_args()
    chat_id = None
    try:
        with requests.Session() as session:
            session.headers["Authorization"] = f"Bearer {options.key}"
            for message in options.messages:
                chat_id = ask(session, options.url, message, chat_id)
    except requests.ConnectionError:
        sys.exit(f"Nothing answers at {options.url}. Start it with scripts/start, or scripts/start --sandbox.")


if __name__ == "__main__":
    main()
