"""The site's protocol as pure functions: payloads out, server-sent events in. Only ask.py does I/O."""
