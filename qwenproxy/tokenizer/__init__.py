"""How many tokens a text has for a Qwen model, counted on this machine with the models' own vocabulary."""
