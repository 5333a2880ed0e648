"""The stand-in model: what it is called, what it does with a prompt, and the frames it writes."""
