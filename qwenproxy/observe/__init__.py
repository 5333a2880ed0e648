"""What happens, told to people and programs: log lines, and where a request's time went. Knows nothing of ours."""
