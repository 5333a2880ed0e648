"""What the site speaks, as pure functions: payloads out, server-sent events in. Nothing here does I/O."""
