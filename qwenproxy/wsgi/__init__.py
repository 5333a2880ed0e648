"""Connections and requests below the application: sockets, paths, unread bodies. Knows no route."""
