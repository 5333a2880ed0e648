"""Tell the model how to behave before asking it something.

pip install openai
python openai_system_prompt.py --system "Answer as a pirate." "What is the weather like?"
"""

import argparse
import os
import sys

from openai import APIConnectionError, APIError, OpenAI


def main() -> None:
    parser = argparse.ArgumentParser(description="Ask with a system prompt.")
    parser.add_argument("question", nargs="?", default="What is a decorator in Python?")
    parser.add_argument("--system", default="You are a patient teacher. Answer in two sentences.")
    parser.add_argument("--model", default="qwen-plus")
    parser.add_argument("--url", default=os.environ.get("QWEN_PROXY_URL", "http://127.0.0.1:3264"), help="the proxy")
    parser.add_argument("--key", default=os.environ.get("QWEN_PROXY_KEY", "not-needed"), help="its API key")
    options = parser.parse_args()

    client = OpenAI(base_url=f"{options.url}/v1", api_key=options.key)
    try:
        answer = client.chat.completions.create(
            model=options.model,
            messages=[
                {"role": "system", "content": options.system},
                {"role": "user", "content": options.question},
            ],
        )
    except APIConnectionError:
        sys.exit(f"Nothing answers at {options.url}. Start it with scripts/start, or scripts/start --sandbox.")
    except APIError as error:
        sys.exit(f"The proxy refused: {error.message}")

    print(answer.choices[0].message.content)


if __name__ == "__main__":
    main()
