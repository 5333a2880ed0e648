"""qwenproxy: a local OpenAI-compatible endpoint for the Qwen chat site, through a logged-in browser tab."""

__version__ = "0.1.0"
