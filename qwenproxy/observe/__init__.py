"""What happens, for people and programs: events, log lines, and where a request's time went. Knows no other room."""
