"""Connections and requests below the application: sockets, paths, bodies nobody read. Knows no route."""
