"""Chats that the proxy keeps: on disk, continued on the site, recorded. Stands on the relay."""
