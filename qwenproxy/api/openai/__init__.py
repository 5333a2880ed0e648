"""The OpenAI wire API: chat completions and models."""
