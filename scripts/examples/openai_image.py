"""Ask about a picture on your disk, sent inside the request as a data: URL.

For a picture that several questions are about, upload it once instead: openai_upload.py.

pip install openai
python openai_image.py photo.jpg "What is in this picture?"
"""

import argparse
import base64
import mimetypes
import os
import sys
from pathlib import Path

from openai import APIConnectionError, APIError, OpenAI


def data_url(picture: Path) -> str:
    kind = mimetypes.guess_type(picture.name)[0] or "image/jpeg"
    return f"data:{kind};base64,{base64.b64encode(picture.read_bytes()).decode()}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Ask about a picture.")
    parser.add_argument("picture", type=Path, help="jpg, jpeg, png, gif, webp or bmp")
    parser.add_argument("question", nargs="?", default="What is in this picture?")
    parser.add_argument("--model", default="qwen-vl-max")
    parser.add_argument("--url", default=os.environ.get("QWEN_PROXY_URL", "http://127.0.0.1:3264"), help="the proxy")
    parser.add_argument("--key", default=os.environ.get("QWEN_PROXY_KEY", "not-needed"), help="its API key")
    options = parser.parse_args()

    client = OpenAI(base_url=f"{options.url}/v1", api_key=options.key)
    question = {"type": "text", "text": options.question}
    try:
        picture = {"type": "image_url", "image_url": {"url": data_url(options.picture)}}
        messages = [{"role": "user", "content": [question, picture]}]
        print(client.chat.completions.create(model=options.model, messages=messages).choices[0].message.content)
    except APIConnectionError:
        sys.exit(f"Nothing answers at {options.url}. Start it with scripts/start, or scripts/start --sandbox.")
    except (APIError, OSError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
