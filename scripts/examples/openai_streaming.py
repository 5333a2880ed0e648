"""Print an answer while the model is still writing it, its thoughts before it.

pip install openai
python openai_streaming.py "Tell me a short story." --think
"""

import argparse
import os
import sys

from openai import APIConnectionError, APIError, OpenAI


def main() -> None:
    parser = argparse.ArgumentParser(description="Stream one answer.")
    parser.add_argument("question", nargs="?", default="Tell me a short story.")
    parser.add_argument("--think", action="store_true", help="let the model think first")
    parser.add_argument("--model", default="qwen3.7-plus")
    parser.add_argument("--url", default=os.environ.get("QWEN_PROXY_URL", "http://127.0.0.1:3264"), help="the proxy")
    parser.add_argument("--key", default=os.environ.get("QWEN_PROXY_KEY", "not-needed"), help="its API key")
    options = parser.parse_args()

    client = OpenAI(base_url=f"{options.url}/v1", api_key=options.key)
    try:
        stream = client.chat.completions.create(
            model=options.model,
            messages=[{"role": "user", "content": options.question}],
            stream=True,
            extra_body={"enable_thinking": options.think},
        )
        for chunk in stream:
            delta = chunk.choices[0].delta
            # thoughts go to the other output, so that `> story.txt` keeps the story alone
            print(getattr(delta, "reasoning_content", None) or "", end="", file=sys.stderr, flush=True)
            print(delta.content or "", end="", flush=True)
        print()
    except APIConnectionError:
        sys.exit(f"Nothing answers at {options.url}. Start it with scripts/start, or scripts/start --sandbox.")
    except APIError as error:
        sys.exit(f"The proxy refused: {error.message}")


if __name__ == "__main__":
    main()
