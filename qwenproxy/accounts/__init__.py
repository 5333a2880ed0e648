"""The accounts: what is on disk (registry), what is leased right now (pool), how a person logs in (login)."""
