"""The accounts: what is on disk (registry), and what is leased right now (pool)."""
