"""How the command line talks to a person: questions, progress, help, suggestions. Knows no command."""
