"""Kill -9 what writes to a session folder, and check what is left each time: the database, and the stores of files.

What was confirmed before the kill has to be there whole; what was under way is there whole or not at all; a job of the
background that was under way has failed and says so. First the database alone (stored responses, conversations, jobs),
in a process of its own; then accounts, keys, chats, uploads, media and deletions; then whole servers.
"""
