"""State on disk: files, locks between processes, JSON that others wrote. Knows no meaning of any file."""
