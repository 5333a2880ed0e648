"""A person's look at a tab: its picture as it changes, and the person's own input; beside the driver's session."""
