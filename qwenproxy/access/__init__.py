"""The right to use the proxy: API keys, and the door that checks them. Knows no HTTP."""
