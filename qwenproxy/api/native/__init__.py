"""The product's own wire API: chats with a memory, files, the WebSocket."""
