"""How the command line talks: questions, progress, help, suggestions. Knows no command."""
