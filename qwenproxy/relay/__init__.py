"""One question, from an account to the events of its answer. Knows no wire API and no HTTP."""
