"""Kill -9 what writes stored responses, conversations and jobs of the background, and check what is left each time.

What was confirmed before the kill has to be there whole; what was under way is there whole or not at all; a job that
was under way has failed and says so. First the store alone, in a process of its own; then whole servers.
"""
