"""The chats: their messages, the routes that change them, and the one that answers a question."""
