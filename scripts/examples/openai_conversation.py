"""Talk with the model at the keyboard; an empty line or Ctrl-D ends it.

The OpenAI route remembers nothing between requests: the program keeps the conversation and sends all of it each time.

pip install openai
python openai_conversation.py
"""

import argparse
import os
import sys

from openai import APIConnectionError, APIError, OpenAI


def answer(client: OpenAI, model: str, conversation: list[dict[str, str]]) -> str:
    """Print the answer as it comes; return all of it."""
    text = ""
    for chunk in client.chat.completions.create(model=model, messages=conversation, stream=True):
        piece = chunk.choices[0].delta.content or ""
        print(piece, end="", flush=True)
        text += piece
    print()
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description="Talk with the model.")
    parser.add_argument("--model", default="qwen-max")
    parser.add_argument("--url", default=os.environ.get("QWEN_PROXY_URL", "http://127.0.0.1:3264"), help="the proxy")
    parser.add_argument("--key", default=os.environ.get("QWEN_PROXY_KEY", "not-needed"), help="its API key")
    options = parser.parse_args()

    client = OpenAI(base_url=f"{options.url}/v1", api_key=options.key)
    conversation: list[dict[str, str]] = []
    try:
        while question := input("> ").strip():
            conversation.append({"role": "user", "content": question})
            conversation.append({"role": "assistant", "content": answer(client, options.model, conversation)})
    except EOFError:
        print()
    except APIConnectionError:
        sys.exit(f"Nothing answers at {options.url}. Start it with scripts/start, or scripts/start --sandbox.")
    except APIError as error:
        sys.exit(f"The proxy refused: {error.message}")


if __name__ == "__main__":
    main()
