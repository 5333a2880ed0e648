"""qwenproxy: a local OpenAI-compatible endpoint for the Qwen chat site, through a logged-in browser tab."""

__version__ = "1.0.0"
