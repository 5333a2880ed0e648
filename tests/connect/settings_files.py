"""Settings files as people have them, short: comments, settings of their own, other providers; by program."""

from __future__ import annotations

CLAUDE = """\
{
  "permissions": {
    "allow": ["Bash(git status)"]
  },
  "env": {
    "EDITOR": "vim", "ANTHROPIC_MODEL": "opus"
  },
  "model": "opus"
}
"""

CODEX = """\
# how I like it
model = "gpt-5.5"  # the usual one
approval_policy = "on-request"

[tui]
theme = "dark"

[model_providers.local]
name = "Local"
base_url = "http://localhost:8080/v1"  # llama.cpp
"""

GEMINI_ENV = """\
# my key
export GEMINI_API_KEY=AIza-mine
OTHER="a b"
"""

GEMINI = """\
{
  // looks
  "ui": { "theme": "GitHub" },
  "security": { "auth": { "selectedType": "oauth-personal" } } /* my account */
}
"""

QWEN = """\
{
  "$version": 4,
  "modelProviders": {
    "openai": [
      // from the office
      { "id": "gpt-5.5", "name": "Office", "envKey": "OFFICE_KEY", "baseUrl": "https://office.example/v1" },
    ],
  },
  "model": { "name": "gpt-5.5", "maxSessionTurns": 40 },
}
"""

OPENCODE = """\
{
\t"$schema": "https://opencode.ai/config.json",
\t// nothing leaves this machine
\t"share": "disabled",
\t"provider": {
\t\t"local": { "npm": "@ai-sdk/openai-compatible", "options": { "baseURL": "http://localhost:8080/v1" } } // llama.cpp
\t},
\t"model": "local/gemma"
}
"""

AIDER = """\
# mine
dark-mode: true   # easier on the eyes
model: sonnet
read:
  - CONVENTIONS.md
"""

CLINE = """\
{
  "version": 1,
  "lastUsedProvider": "anthropic",
  "modes": {},
  "providers": {
    "anthropic": {
      "settings": { "provider": "anthropic", "apiKey": "sk-ant-mine", "model": "claude-sonnet-5" },
      "updatedAt": "2026-11-01T08:00:00.000Z"
    }
  }
}
"""

CONTINUE = """\
name: My assistant
version: 0.0.1
schema: v1

models:
    # for everything
    - name: "Office"
      provider: openai
      model: gpt-5.5   # the usual one
      roles: [chat, edit]
rules:
    - Be brief.
"""

DROID = """\
{
  "model": "opus",
  "customModels": [
    {"displayName": "Office", "model": "gpt-5.5", "baseUrl": "https://office.example/v1", "apiKey": "k", "provider": "openai"}
  ],
  "autonomyLevel": "normal"
}
"""  # noqa: E501 - as the program writes it

PI_MODELS = """\
{
  "providers": {
    "ollama": { "baseUrl": "http://localhost:11434/v1", "api": "openai-completions", "apiKey": "ollama", "models": [{ "id": "gemma" }] }
  }
}
"""  # noqa: E501 - as its documentation has it

LLM = """\
# my own
- model_id: office
  model_name: gpt-5.5
  api_base: "https://office.example/v1"
"""

# By program, in the order of its files.
SETTINGS_FILES: dict[str, tuple[str, ...]] = {
    "claude-code": (CLAUDE,),
    "codex": (CODEX,),
    "gemini-cli": (GEMINI_ENV, GEMINI),
    "qwen-code": (QWEN,),
    "opencode": (OPENCODE,),
    "kilo": (OPENCODE,),
    "aider": (AIDER,),
    "cline": (CLINE,),
    "continue": (CONTINUE,),
    "droid": (DROID,),
    "pi": (PI_MODELS, '{"theme":"dark"}'),
    "llm": (LLM, '{\n  "openai": "sk-mine"\n}\n'),
}
