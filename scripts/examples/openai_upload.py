"""Upload a document or a picture once, then ask about it as often as you like.

pip install openai requests
python openai_upload.py report.pdf "What is it about?" "Who wrote it?"
"""

import argparse
import os
import sys
from pathlib import Path

import requests
from openai import APIConnectionError, APIError, OpenAI


def upload(file: Path, url: str, key: str) -> dict[str, object]:
    """Return the part of a message that names the uploaded file."""
    headers = {"Authorization": f"Bearer {key}"}
    with file.open("rb") as data:
        answer = requests.post(f"{url}/api/files/upload", files={"file": data}, headers=headers, timeout=120).json()
    if "error" in answer:
        sys.exit(f"The proxy refused: {answer['error']}")
    if "imageUrl" in answer:
        return {"type": "image_url", "image_url": {"url": answer["imageUrl"]}}
    return {"type": "file", "file": {"file_url": answer["file"]["url"], "filename": file.name}}


def main() -> None:
    parser = argparse.ArgumentParser(description="Upload a file and ask about it.")
    parser.add_argument("file", type=Path, help="jpg, jpeg, png, gif, webp, bmp, pdf, doc, docx or txt")
    parser.add_argument("questions", nargs="*", default=["What is it about?", "Sum it up in one sentence."])
    parser.add_argument("--url", default=os.environ.get("QWEN_PROXY_URL", "http://127.0.0.1:3264"), help="the proxy")
    parser.add_argument("--key", default=os.environ.get("QWEN_PROXY_KEY", "not-needed"), help="its API key")
    options = parser.parse_args()

    client = OpenAI(base_url=f"{options.url}/v1", api_key=options.key)
    try:
        part = upload(options.file, options.url, options.key)
        for question in options.questions:
            messages = [{"role": "user", "content": [{"type": "text", "text": question}, part]}]
            print(client.chat.completions.create(model="qwen-vl-max", messages=messages).choices[0].message.content)
    except (requests.ConnectionError, APIConnectionError):
        sys.exit(f"Nothing answers at {options.url}. Start it with scripts/start, or scripts/start --sandbox.")
    except (APIError, OSError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
