"""The chats: what is kept of them, the routes that change them, and the one that answers a question."""
