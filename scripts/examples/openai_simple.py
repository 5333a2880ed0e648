"""Ask one question with the official OpenAI package and print the whole answer.

pip install openai
python openai_simple.py "What is the capital of France?"
"""

import argparse
import os
import sys

from openai import APIConnectionError, APIError, OpenAI


def main() -> None:
    parser = argparse.ArgumentParser(description="Ask one question.")
    parser.add_argument("question", nargs="?", default="What is the capital of France?")
    parser.add_argument("--model", default="qwen-max")
    parser.add_argument("--url", default=os.environ.get("QWEN_PROXY_URL", "http://127.0.0.1:3264"), help="the proxy")
    parser.add_argument("--key", default=os.environ.get("QWEN_PROXY_KEY", "not-needed"), help="its API key")
    options = parser.parse_args()

    client = OpenAI(base_url=f"{options.url}/v1", api_key=options.key)
    try:
        answer = client.chat.completions.create(
            model=options.model,
            messages=[{"role": "user", "content": options.question}],
        )
    except APIConnectionError:
        sys.exit(f"Nothing answers at {options.url}. Start it with scripts/start, or scripts/start --sandbox.")
    except APIError as error:
        sys.exit(f"The proxy refused: {error.message}")

    print(answer.choices[0].message.content)
    print(f"({answer.model}, {answer.usage.total_tokens} tokens)", file=sys.stderr)


if __name__ == "__main__":
    main()
